"""Deliberate bugs that the documentation must notice, one a line."""

from tests.mutants.mutant import Mutant

_DOCS = "tests/test_docs.py"

# fmt: off
MUTANTS = [
    Mutant("api/cli/jobs.py", 'typer.Option("--follow", "-f"', 'typer.Option("--tail", "-t"', f"{_DOCS} -k exists"),
    Mutant("api/schemas/jobs.py", "cards of the whole gang", "cards of all members", f"{_DOCS} -k references"),
    Mutant("api/settings.py", "    bind: str | None", "    listen: str | None", f"{_DOCS} -k variable"),
    Mutant("api/files/job_file.py", "return {str(name): value for name, value in content.items()}", "return {}", f"{_DOCS} -k job"),
    Mutant("docs/references.py", "os.environ[VARIABLE] = ", "language = ", f"{_DOCS} -k references"),
    Mutant("docs/job-file.md", "(api.md#jobcreate)", "(api.md#job-create)", f"{_DOCS} -k link"),
    Mutant("docs/glossary.md", "| **pool** | 资源池 |", "| **pool** | pool |", f"{_DOCS} -k chinese"),
    Mutant("docs/park-file.md", "stated_tflops: 8000         # must", "stated_tflops: 8001         # must", f"{_DOCS} -k park"),
    Mutant("docs/scheduling.md", "planning/quiet.py", "planning/loud.py", f"{_DOCS} -k module"),
    Mutant("docs/scheduling.md", "of a broker's own past:\n", "of a broker's own past: ", f"{_DOCS} -k line"),
    Mutant("docs/benchmarks.md", "--runs 2 --peer none", "--rums 2 --peer none", f"{_DOCS} -k benchmark"),
    Mutant("docs/operations.md", "brain jobs --state failed", "brain jobs --status failed", f"{_DOCS} -k exists"),
]
# fmt: on
