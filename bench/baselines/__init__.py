"""What Saldo is compared with: each the least program, or the naive one, that does the job."""
