from typing import Any

from bson import json_util
from bson.json_util import DEFAULT_JSON_OPTIONS, JSONMode, JSONOptions, dumps, loads

text = dumps({"a": 1}, indent=2)
reveal_type(text)
reveal_type(loads(text))
reveal_type(loads(text, json_options=JSONOptions(tz_aware=True)))
reveal_type(DEFAULT_JSON_OPTIONS.with_options(json_mode=JSONMode.CANONICAL).json_mode)
options: JSONOptions = JSONOptions(json_mode=JSONMode.RELAXED)
value: dict[str, Any] = loads(text)
dumps({"a": 1}, json_options={"mode": 1})
loads(3)
reveal_type(json_util.default(1))
