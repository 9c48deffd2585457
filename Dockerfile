# The portal for production. `docker run IMAGE` serves on port 8000, `docker run IMAGE migrate`
# migrates the database, and any other argument is a command of manage.py. See docs/operations.md.

FROM python:3.11-slim AS build
WORKDIR /app
# `--build-arg TRACING=yes` adds OpenTelemetry, which TRACES_URL needs.
ARG TRACING=
COPY requirements-uv.txt requirements.txt requirements-tracing.txt ./
RUN python -m venv /opt/uv \
    && /opt/uv/bin/python -m pip install --no-cache-dir --quiet --require-hashes -r requirements-uv.txt
# Without pip: the image below copies this environment and cannot install anything.
RUN python -m venv --without-pip /app/venv \
    && /opt/uv/bin/uv pip install --quiet --python /app/venv/bin/python --require-hashes \
       --compile-bytecode --link-mode=copy -r requirements.txt ${TRACING:+-r requirements-tracing.txt}
COPY manage.py deploy/entry ./
COPY portal/ portal/
COPY static/ static/
COPY templates/ templates/
# The settings need all variables; these values apply to this RUN instruction only.
RUN DEMO=true SECRET_KEY="$(/app/venv/bin/python -c 'import secrets; print(secrets.token_hex(32))')" \
    PUBLIC_URL=http://localhost ALLOWED_HOSTS=localhost DATABASE_URL=sqlite://:memory: \
    STATIC_ROOT=/app/collected /app/venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && /app/venv/bin/python -m compileall -q portal \
    && rm requirements.txt requirements-tracing.txt requirements-uv.txt

FROM python:3.11-slim
RUN python -m pip uninstall --yes --quiet --root-user-action=ignore pip setuptools wheel \
    && groupadd --gid 10001 portal \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin portal
WORKDIR /app
# Owned by root: the portal cannot change its own files.
COPY --from=build /app /app
ENV PATH=/app/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STATIC_ROOT=/app/collected \
    GRANIAN_HOST=0.0.0.0 \
    GRANIAN_PORT=8000
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client as h, os, sys; c = h.HTTPConnection(os.environ['GRANIAN_HOST'], int(os.environ['GRANIAN_PORT']), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["/app/entry"]
CMD ["serve"]
