"""The instructor's tools: release a problem set with its proofs, make the student's kit, stamp where the course is published."""
