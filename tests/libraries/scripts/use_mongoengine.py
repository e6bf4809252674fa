"""mongoengine: documents, references, queries, files."""

import sys

import mongoengine as me

me.connect("use_mongoengine", host=sys.argv[1], uuidRepresentation="standard")


class Address(me.EmbeddedDocument):
    city = me.StringField(required=True)


class Author(me.Document):
    name = me.StringField(required=True, unique=True)
    address = me.EmbeddedDocumentField(Address)
    photo = me.FileField()


class Book(me.Document):
    title = me.StringField(required=True)
    author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)
    tags = me.ListField(me.StringField())
    meta = {"indexes": ["title", ("author", "-title")]}


me.get_db().client.drop_database("use_mongoengine")
ada = Author(name="Ada", address=Address(city="London")).save()
ada.photo.put(b"x" * 300_000, content_type="image/png")
ada.save()
Book.objects.insert([Book(title=f"Book {n}", author=ada, tags=["a", str(n)]) for n in range(3)])

assert Author.objects.get(name="Ada").address.city == "London"
assert len(Author.objects.first().photo.read()) == 300_000
try:
    Author(name="Ada").save()
except me.NotUniqueError:
    pass
else:
    raise AssertionError("not unique")
assert [book.title for book in Book.objects(tags="1")] == ["Book 1"]
assert Book.objects(author=ada).update(push__tags="b") == 3
assert Book.objects.order_by("-title").first().author.name == "Ada"
assert Book.objects.item_frequencies("tags")["b"] == 3
pipeline = [{"$unwind": "$tags"}, {"$group": {"_id": "$tags", "n": {"$sum": 1}}}]
assert {row["_id"]: row["n"] for row in Book.objects.aggregate(pipeline)}["a"] == 3
assert Book.objects(title="none").modify(upsert=True, new=True, set__tags=["z"]).tags == ["z"]
ada.delete()
assert Book.objects(author__ne=None).count() == 0
me.disconnect()
print("ok")
