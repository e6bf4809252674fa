from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import MaxStalenessPreference, Nearest, SecondaryPreferred
from pymongo.write_concern import WriteConcern

reveal_type(WriteConcern(w="majority", j=True, wtimeout=5).document)
reveal_type(WriteConcern(w=1).acknowledged)
reveal_type(ReadConcern("local").level)
reveal_type(Nearest(tag_sets=[{"dc": "east"}]).tag_sets)
reveal_type(SecondaryPreferred().mode)
WriteConcern(w=[1])
WriteConcern(journal=True)
ReadConcern(1)
Nearest(tag_sets={"dc": "east"})
MaxStalenessPreference()
