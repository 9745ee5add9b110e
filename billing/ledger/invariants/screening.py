"""Which entries need no replay: PostgreSQL holds long runs of plain debits against each other by itself.

Most entries of real books are plain debits: spending, without a hold, out of one grant. In a run of them nothing
changes but this grant's remaining, the balance and the time, so that a replay of its last tells about all
(`Replay.pass_over` says why). What is to be checked of each debit of the run, and nothing else, is checked here: its
size, that its one use is its amount, its sequence, time, running balance and hash.

Nothing is found here, and nothing is excused: an entry that is not what it must be for certain is left for the
replay, and so are its neighbours. On SQLite everything is: it knows no SHA-256, and has small books (ADR 0012).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.engine import Connection

from billing.ledger.posting import SPENDING_REASONS
from billing.money import MAX_BALANCE, MAX_MOVE

WORTH_IT, FEW = 8, 200
"""An account is shortened if it has at most one run for so many entries, or so few runs: it bounds the answer."""

# `runs_on`: a plain debit like the one before it, whose facts follow from that one's. Sums and negations stand behind
# a CASE that knows their sizes, so that no number of a forger's can stop the audit by its overflow. The text that is
# hashed is that of `posting.entry_hash`: no hold, nothing reversed, microseconds only where there are any.
_HEADS = text(r"""
SELECT account_id, count(own) AS own_uses, max(seq) AS last_seq,
       array_agg(seq) FILTER (WHERE runs_on IS NOT TRUE) AS heads
FROM (
  SELECT account_id, seq, own,
    CASE WHEN eaten_from = lag(eaten_from) OVER earlier
      AND bound_to IS NOT DISTINCT FROM lag(bound_to) OVER earlier
      AND seq = lag(seq) OVER earlier + 1
      AND at >= lag(at) OVER earlier
      AND balance_after BETWEEN 0 AND :most
      AND lag(balance_after) OVER earlier BETWEEN 0 AND :most
    THEN CASE WHEN balance_after = lag(balance_after) OVER earlier + amount
      THEN hash = sha256(lag(hash) OVER earlier || convert_to(
        account_id || '|' || seq || '|DEBIT|' || reason || '|' || amount || '|' || balance_after || '|'
        || replace(to_char(at AT TIME ZONE 'UTC', :rfc3339), '.000000', '') || 'Z|'
        || coalesce(action, '') || '|' || coalesce(scope, '') || '|' || coalesce(source, '') || '||', 'UTF8'))
      END
    END AS runs_on
  FROM (
    SELECT entries.account_id, seq, reason, entries.amount, balance_after, at, action, scope, source, hash,
      uses.entry_seq AS own,
      CASE WHEN entries.account_id IN (SELECT account_id FROM grants WHERE scope IS NOT NULL)
        THEN scope END AS bound_to,
      CASE WHEN kind = 'DEBIT' AND reason = ANY(:spending) AND hold IS NULL AND reverses IS NULL
          AND entries.amount BETWEEN -:largest AND -1
        THEN CASE WHEN uses.amount = -entries.amount THEN grant_seq END
      END AS eaten_from
    FROM entries LEFT JOIN uses
      ON uses.account_id = ANY(:accounts)
      AND uses.account_id = entries.account_id AND entry_seq = seq AND booked_seq IS NULL
    WHERE entries.account_id = ANY(:accounts)
  ) AS each
  WINDOW earlier AS (PARTITION BY account_id ORDER BY seq)
) AS chained
GROUP BY account_id
HAVING cardinality(array_agg(seq) FILTER (WHERE runs_on IS NOT TRUE)) <= count(*) / :worth_it + :few
""").bindparams(
    most=MAX_BALANCE,
    largest=MAX_MOVE,
    spending=sorted(SPENDING_REASONS),
    rfc3339='YYYY-MM-DD"T"HH24:MI:SS.US',
    worth_it=WORTH_IT,
    few=FEW,
)

_OWN_USES = text("""
SELECT account_id, count(*) AS uses FROM uses
WHERE account_id = ANY(:accounts) AND booked_seq IS NULL
GROUP BY account_id
""")

# After which entries something happens that is no entry: a hold is placed or over, a debt is paid.
_EVENTS = text("""
SELECT account_id, array_agg(seq) AS seqs FROM (
  SELECT account_id, placed_seq AS seq FROM holds WHERE account_id = ANY(:accounts)
  UNION SELECT account_id, resolved_seq FROM holds WHERE account_id = ANY(:accounts) AND resolved_seq IS NOT NULL
  UNION SELECT account_id, booked_seq FROM uses WHERE account_id = ANY(:accounts) AND booked_seq IS NOT NULL
) AS events
GROUP BY account_id
""")


def entries_to_replay(connection: Connection, accounts: Sequence[int]) -> dict[int, list[int]]:
    """Of each account that is worth it, the seqs that a replay has to see; it may pass over all others.

    PostgreSQL only. Each of those runs on from the entry before it, has one use of its own, and nothing happened
    after it. An account with uses that belong to no entry is not among the answers, nor is one with hardly a run.
    """
    of_these = {"accounts": list(accounts)}
    own_uses = {row.account_id: row.uses for row in connection.execute(_OWN_USES, of_these)}
    events = {row.account_id: row.seqs for row in connection.execute(_EVENTS, of_these)}
    answer = {}
    for row in connection.execute(_HEADS, of_these):
        if row.own_uses == own_uses.get(row.account_id, 0):
            ends = {seq - 1 for seq in row.heads}
            seqs = {*row.heads, *ends, row.last_seq, *events.get(row.account_id, ())}
            answer[int(row.account_id)] = sorted(seqs)
    return answer
