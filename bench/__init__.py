"""How quick Saldo is, as ratios to the least that could do the job: `python3 run.py bench`.

Nothing else imports this. Each figure is measured in pairs, Saldo and its baseline in turn on the same machine and
database server, so that what the machine does besides weighs on both.
"""
