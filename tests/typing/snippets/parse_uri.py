from pymongo.uri_parser import parse_uri

parsed = parse_uri("mongodb://a,b/?replicaSet=rs")
reveal_type(parsed)
reveal_type(parsed["nodelist"])
reveal_type(parse_uri("mongodb://a", default_port=3, validate=False))
parse_uri(3)
parse_uri("mongodb://a", timeout=3)
