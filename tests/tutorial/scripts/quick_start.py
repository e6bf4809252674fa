"""The quick start: a film by its title; and the same asynchronously."""

import asyncio
import sys

from pymongo import AsyncMongoClient, MongoClient

FILMS = [
    {"_id": 1, "title": "Back to the Future", "year": 1985, "genres": ["Adventure", "Comedy"]},
    {"_id": 2, "title": "The Great Train Robbery", "year": 1903, "genres": ["Short", "Western"]},
]
uri = sys.argv[1]
client = MongoClient(uri)
try:
    database = client.get_database("sample_mflix")
    movies = database.get_collection("movies")
    movies.insert_many(FILMS)
    query = {"title": "Back to the Future"}
    movie = movies.find_one(query)
    print(movie)
    client.admin.command("ping")
    print("Pinged your deployment. You successfully connected to MongoDB!")
    client.close()
except Exception as e:
    raise Exception("Unable to find the document due to the following error: ", e) from e


async def main():
    client = AsyncMongoClient(uri)
    try:
        database = client.get_database("sample_mflix")
        movies = database.get_collection("movies")
        print(await movies.find_one({"title": "Back to the Future"}))
        async for movie in movies.find({"year": {"$lt": 1990}}).sort("year"):
            print(movie["title"], movie["year"])
        print(await movies.find({}, {"_id": 1}).to_list())
        await client.drop_database("sample_mflix")
    finally:
        await client.close()


asyncio.run(main())
