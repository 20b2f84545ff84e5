#!/usr/bin/env bash
# An authority and a certificate of Elasticsearch, in $CERTS. Changes nothing that exists.
set -euo pipefail
if [ ! -f "$CERTS/elasticsearch.crt" ]; then
    made=$(mktemp -d)
    bin/elasticsearch-certutil ca --silent --pem --out "$made/ca.zip"
    unzip -q "$made/ca.zip" -d "$made"
    bin/elasticsearch-certutil cert --silent --pem --out "$made/cert.zip" \
        --ca-cert "$made/ca/ca.crt" --ca-key "$made/ca/ca.key" \
        --name elasticsearch --dns elasticsearch --dns localhost --ip 127.0.0.1
    unzip -q "$made/cert.zip" -d "$made"
    # The authority's key is not kept: it could sign a certificate for anyone.
    cp "$made/ca/ca.crt" "$made/elasticsearch/elasticsearch.key" "$CERTS/"
    # Last: its presence means that the others are there.
    cp "$made/elasticsearch/elasticsearch.crt" "$CERTS/"
    rm -r "$made"
fi
# Elasticsearch runs as user 1000. Certificates are public, the key is not.
chown -R 1000:0 "$CERTS"
chmod 755 "$CERTS"
chmod 644 "$CERTS"/*.crt
chmod 640 "$CERTS"/*.key
