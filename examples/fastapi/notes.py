"""Notes over HTTP: FastAPI with typed documents, one client for the application's life.

    python -m mongodriver local --replica-set rs0 -- uvicorn --app-dir examples/fastapi notes:app

The documentation of the service is at http://127.0.0.1:8000/docs then.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from types import FrameType
from typing import Annotated, Any, TypedDict

from fastapi import Depends, FastAPI, HTTPException, Query, Request, status
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field, PlainSerializer, PlainValidator, WithJsonSchema

from bsonx import CodecOptions, ObjectId
from bsonx.errors import InvalidId
from mongodriver import DESCENDING, AsyncMongoClient, ReturnDocument
from mongodriver.asynchronous.collection import AsyncCollection
from mongodriver.errors import ConnectionFailure, DuplicateKeyError


def _object_id(value: Any) -> ObjectId:
    try:
        return ObjectId(value)
    except (InvalidId, TypeError) as error:
        raise ValueError(str(error)) from None


# Text in JSON and in paths, an ObjectId in Python and in the database.
NoteId = Annotated[
    ObjectId,
    PlainValidator(_object_id),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{24}$"}),
]


class Draft(BaseModel):
    """What a user writes."""

    title: str = Field(min_length=1, max_length=80)
    text: str = ""
    tags: list[str] = []


class Note(Draft):
    """What is stored: `id` is the document's ``_id``."""

    id: NoteId
    written: datetime


class Key(BaseModel):
    """Which note was changed."""

    id: NoteId


class Change(BaseModel):
    """What a change stream tells: classes with an `operationType` are that of changes."""

    operationType: str
    documentKey: Key | None = None  # not of changes of the whole collection
    fullDocument: Note | None = None


class Tag(BaseModel):
    """How many notes have a tag."""

    name: str
    count: int


Notes = AsyncCollection[Note]


class State(TypedDict):
    """What requests find in ``request.state``."""

    notes: Notes
    ending: asyncio.Event


@contextmanager
def signalled() -> Iterator[asyncio.Event]:
    """Give an event that is set when the server is told to end.

    It waits for all answers then, before it ends the application; those that have no end of their
    own have to know.
    """
    event, loop = asyncio.Event(), asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def tell(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(event.set)
        if callable(handler := before[signal.Signals(number)]):
            handler(number, frame)

    for number in before:
        signal.signal(number, tell)
    yield event


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[State]:
    """Open the client in the event loop that serves, and close it after the last request.

    Each worker process of uvicorn runs this, so each has a client of its own.
    """
    client: AsyncMongoClient[dict[str, Any]]
    async with AsyncMongoClient(os.environ["MONGODB_URI"], appname="notes") as client:
        options = CodecOptions(document_class=Note, tz_aware=True)
        notes = client.board.get_collection("notes", options)
        await notes.create_index("title", unique=True)
        await notes.create_index([("tags", 1), ("written", DESCENDING)])
        with signalled() as ending:
            yield {"notes": notes, "ending": ending}


app = FastAPI(title="Notes", lifespan=lifespan)


def _notes(request: Request) -> Notes:
    notes: Notes = request.state.notes
    return notes


NotesDep = Annotated[Notes, Depends(_notes)]


def _or_404(note: Note | None) -> Note:
    if note is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "no such note")
    return note


@app.exception_handler(DuplicateKeyError)
async def title_is_taken(request: Request, error: Exception) -> JSONResponse:
    """The unique index has the last word on titles: nobody looks before."""
    return JSONResponse({"detail": "this title is taken"}, status.HTTP_409_CONFLICT)


@app.exception_handler(ConnectionFailure)
async def database_is_away(request: Request, error: Exception) -> JSONResponse:
    """No server is there, or a connection was lost where trying again did not help."""
    return JSONResponse({"detail": "no database"}, status.HTTP_503_SERVICE_UNAVAILABLE)


@app.post("/notes", status_code=status.HTTP_201_CREATED)
async def write(draft: Draft, notes: NotesDep) -> Note:
    """Store a note."""
    now = datetime.now(UTC)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # BSON has milliseconds
    note = Note(id=ObjectId(), written=now, **draft.model_dump())
    await notes.insert_one(note)
    return note


@app.get("/notes")
async def newest(
    notes: NotesDep,
    tag: str | None = None,
    before: datetime | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> list[Note]:
    """The newest notes; `before` is when the last one of the page before was written."""
    wanted: dict[str, Any] = {}
    if tag is not None:
        wanted["tags"] = tag
    if before is not None:
        wanted["written"] = {"$lt": before}
    return await notes.find(wanted, sort={"written": DESCENDING}, limit=limit).to_list()


@app.get("/notes/{note_id}")
async def read(note_id: NoteId, notes: NotesDep) -> Note:
    """One note."""
    return _or_404(await notes.find_one({"_id": note_id}))


@app.put("/notes/{note_id}")
async def rewrite(note_id: NoteId, draft: Draft, notes: NotesDep) -> Note:
    """Replace what a note says."""
    changes = {"$set": draft.model_dump()}
    after = ReturnDocument.AFTER
    return _or_404(
        await notes.find_one_and_update({"_id": note_id}, changes, return_document=after)
    )


@app.delete("/notes/{note_id}", status_code=status.HTTP_204_NO_CONTENT)
async def tear_up(note_id: NoteId, notes: NotesDep) -> None:
    """Remove a note."""
    _or_404(await notes.find_one_and_delete({"_id": note_id}))


@app.get("/tags")
async def tags(notes: NotesDep) -> list[Tag]:
    """How many notes each tag has."""
    counted = notes.with_options(CodecOptions(document_class=Tag))
    stages: list[dict[str, Any]] = [
        {"$unwind": "$tags"},
        {"$sortByCount": "$tags"},
        {"$project": {"_id": 0, "name": "$_id", "count": 1}},
    ]
    return await (await counted.aggregate(stages)).to_list()


@app.get("/changes")
async def changes(notes: NotesDep, request: Request) -> StreamingResponse:
    """What happens to notes from now on, as server-sent events.

    When the reader goes away the generator is cancelled, and the stream's cursor is closed. When
    the database does, the service, or the collection, the events end; browsers then connect again.
    """
    ending: asyncio.Event = request.state.ending
    watched = notes.with_options(CodecOptions(document_class=Change, tz_aware=True))

    async def events() -> AsyncIterator[str]:
        with suppress(ConnectionFailure):
            async with await watched.watch(full_document="updateLookup") as stream:
                yield ": watching\n\n"
                while not ending.is_set():
                    change = await stream.try_next()  # waits for a second
                    if change is None:
                        continue
                    told = change.fullDocument or change.documentKey
                    if told is None:
                        return
                    yield f"event: {change.operationType}\ndata: {told.model_dump_json()}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")
