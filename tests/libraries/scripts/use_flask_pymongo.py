"""Flask-PyMongo: an application with documents and files."""

import io
import sys

from flask import Flask, jsonify
from flask_pymongo import PyMongo

app = Flask(__name__)
uri, question, options = sys.argv[1].partition("?")
mongo = PyMongo(app, f"{uri.rstrip('/')}/use_flask{question}{options}")


@app.get("/users/<name>")
def user(name):
    return jsonify(mongo.db.users.find_one_or_404({"_id": name}))


@app.get("/files/<path:name>")
def download(name):
    return mongo.send_file(name)


with app.test_request_context():
    mongo.cx.drop_database("use_flask")
    mongo.db.users.insert_one({"_id": "ada", "born": 1815})
    mongo.save_file("a.txt", io.BytesIO(b"w" * 300_000))
http = app.test_client()
assert http.get("/users/ada").get_json() == {"_id": "ada", "born": 1815}
assert http.get("/users/bob").status_code == 404
sent = http.get("/files/a.txt")
assert (len(sent.data), sent.mimetype) == (300_000, "text/plain")
assert http.get("/files/b.txt").status_code == 404
assert set(mongo.db.list_collection_names()) == {"users", "fs.files", "fs.chunks"}
mongo.cx.close()
print("ok")
