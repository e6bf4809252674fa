"""What the cursors over stored files are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

from .support import refuse_transaction, usual

__all__ = ["GridOutCursorBase"]


class GridOutCursorBase:
    """A cursor over the documents of files, each of which becomes a file.

    Stands before the cursor class of the flavour, whose `_unpack` and `_copied` it extends.
    """

    _grid_out_class: ClassVar[Any]
    _root: Any
    if TYPE_CHECKING:

        @property
        def session(self) -> Any: ...

    def _begin(
        self,
        collection: Any,
        filter: Mapping[str, Any] | None,
        skip: int,
        limit: int,
        no_cursor_timeout: bool,
        sort: Any,
        batch_size: int,
        session: Any,
    ) -> None:
        """What the constructor does."""
        refuse_transaction(session)
        self._root = usual(collection)
        super().__init__(
            self._root.files,  # type: ignore[call-arg]
            filter,
            skip=skip,
            limit=limit,
            no_cursor_timeout=no_cursor_timeout,
            sort=sort,
            batch_size=batch_size,
            session=session,
        )

    def _unpack(self, batch: list[Any]) -> list[Any]:
        return [self._file_of(document) for document in batch]

    def _file_of(self, document: Any) -> Any:
        return self._grid_out_class(self._root, file_document=document, session=self.session)

    def _copied(self, deep: bool = False) -> Self:
        copy: Self = super()._copied(deep)  # type: ignore[misc]
        copy._root = self._root
        return copy

    def add_option(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not possible: files have no tailable cursors."""
        raise NotImplementedError("Method does not exist for GridOutCursor")

    def remove_option(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not possible: files have no tailable cursors."""
        raise NotImplementedError("Method does not exist for GridOutCursor")
