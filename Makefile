# Short names for what CONTRIBUTING.md describes; nothing lives only here.
.PHONY: run test lint format types reset ci

run:
	python3 run.py

test:
	python3 run.py test

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

format:
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

types:
	.venv/bin/mypy

reset:
	python3 run.py reset

ci:
	bash .ci/run
