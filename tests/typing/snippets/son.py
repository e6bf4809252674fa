from typing import Any

from bson import SON

son: SON[str, int] = SON([("a", 1), ("b", 2)])
reveal_type(son["a"])
reveal_type(son.get("a"))
reveal_type(son.pop("a"))
reveal_type(son.pop("a", None))
reveal_type(son.to_dict())
reveal_type(list(son.items()))
reveal_type(son.copy())
son["c"] = "text"
son[1] = 1
anything: SON[str, Any] = SON({"a": 1}, b=2)
