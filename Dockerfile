# The production image: the same locked packages as everywhere, no sandbox, no tests, no root.
FROM python:3.13-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /saldo

COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock

COPY . .
RUN useradd --system --home-dir /saldo --shell /usr/sbin/nologin saldo \
 && mkdir -p instance && chown saldo instance
USER saldo

EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=4)"]

# Migrations are a step of their own (`flask db upgrade`); the worker is `flask worker`. See compose.yaml.
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--config", "gunicorn.conf.py", "wsgi:app"]
