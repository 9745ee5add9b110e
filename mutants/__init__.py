"""Known mistakes, planted one by one to see that the tests catch each: `python3 run.py mutants`."""
