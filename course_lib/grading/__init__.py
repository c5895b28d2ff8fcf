"""The instructor's tools: release a problem set with its proofs, make the student's kit, stamp where the course is published, grade a class.

``grade`` is where to begin: ``collection`` finds what was handed in, ``repairing`` makes it whole, ``sandbox`` runs it, ``judging`` runs the
tests beside it in ``conversation`` with it, ``recording`` enters the marks, and ``reporting`` gives them back. ``authoring`` comes before all
of that, and ``notebooks`` below it.
"""
