"""Moodle's grading worksheet as ``mod/assign/gradingtable.php`` writes it when it is downloaded, in English and in Japanese."""

import csv
import io

ENGLISH = ["Identifier", "Full name", "ID number", "Email address", "Status", "Grade", "Maximum Grade", "Grade can be changed"]
ENGLISH += ["Last modified (submission)", "Last modified (grade)", "Feedback comments"]
JAPANESE = [
    "ID",
    "姓名",
    "IDナンバー",
    "メールアドレス",
    "ステータス",
    "評点",
    "最大評点",
    "評定を変更することができます。",
    "最終更新日時 (提出)",
]
JAPANESE += ["最終更新日時 (評定)", "フィードバックコメント"]
SUBMITTED = "Friday, 20 November 2026, 11:59 PM"


def worksheet(*people: tuple[str, str, str, str], english: bool = True, submitted: str = SUBMITTED) -> str:
    """Rows of (number, full name, ID number, address) as Moodle's download, byte order mark included."""
    lines = io.StringIO()
    table = csv.writer(lines, lineterminator="\r\n")
    table.writerow(ENGLISH if english else JAPANESE)
    word = "Participant " if english else "参加者"
    for number, *who in people:
        table.writerow([word + number, *who, "Submitted for grading", "", "30.00", "Yes", submitted, "-", ""])
    return "\ufeff" + lines.getvalue()
