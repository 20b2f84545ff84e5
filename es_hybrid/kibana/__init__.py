"""Dashboards and data views for Kibana, as data in `mappings/kibana`.

names = Names.of(settings, pairs="es-hybrid-pairs", passport=None)
Path("es-hybrid.ndjson").write_bytes(as_ndjson(saved_objects(names)))
"""

from es_hybrid.kibana.importing import Imported, Kibana
from es_hybrid.kibana.objects import Names, as_ndjson, saved_objects

__all__ = ["Imported", "Kibana", "Names", "as_ndjson", "saved_objects"]
