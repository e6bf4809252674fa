"""Binary data: plain bytes with a subtype, UUIDs and numeric vectors."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, overload
from uuid import UUID

from bsonx._markers import Markers as _Markers
from bsonx._storage import BinaryStorage

if TYPE_CHECKING:
    from array import array
    from mmap import mmap

    import numpy as np
    import numpy.typing as npt

__all__ = [
    "ALL_UUID_REPRESENTATIONS",
    "ALL_UUID_SUBTYPES",
    "BINARY_SUBTYPE",
    "COLUMN_SUBTYPE",
    "CSHARP_LEGACY",
    "FUNCTION_SUBTYPE",
    "JAVA_LEGACY",
    "MD5_SUBTYPE",
    "OLD_BINARY_SUBTYPE",
    "OLD_UUID_SUBTYPE",
    "PYTHON_LEGACY",
    "SENSITIVE_SUBTYPE",
    "STANDARD",
    "USER_DEFINED_SUBTYPE",
    "UUID_REPRESENTATION_NAMES",
    "UUID_SUBTYPE",
    "VECTOR_SUBTYPE",
    "Binary",
    "BinaryVector",
    "BinaryVectorDtype",
    "UuidRepresentation",
]

BINARY_SUBTYPE = 0
FUNCTION_SUBTYPE = 1
OLD_BINARY_SUBTYPE = 2  # the payload repeats its length
OLD_UUID_SUBTYPE = 3
UUID_SUBTYPE = 4
MD5_SUBTYPE = 5
COLUMN_SUBTYPE = 7
SENSITIVE_SUBTYPE = 8
VECTOR_SUBTYPE = 9
USER_DEFINED_SUBTYPE = 128


class UuidRepresentation:
    """How a ``uuid.UUID`` is stored.

    UNSPECIFIED refuses UUIDs and decodes their subtypes to Binary. STANDARD is subtype 4. The
    legacy ones are subtype 3: PYTHON_LEGACY in the standard byte order, JAVA_LEGACY with each
    half reversed, CSHARP_LEGACY with the first three fields little-endian.
    """

    UNSPECIFIED = 0
    STANDARD = UUID_SUBTYPE
    PYTHON_LEGACY = OLD_UUID_SUBTYPE
    JAVA_LEGACY = 5
    CSHARP_LEGACY = 6


STANDARD = UuidRepresentation.STANDARD
PYTHON_LEGACY = UuidRepresentation.PYTHON_LEGACY
JAVA_LEGACY = UuidRepresentation.JAVA_LEGACY
CSHARP_LEGACY = UuidRepresentation.CSHARP_LEGACY

ALL_UUID_SUBTYPES = (OLD_UUID_SUBTYPE, UUID_SUBTYPE)
ALL_UUID_REPRESENTATIONS = (
    UuidRepresentation.UNSPECIFIED,
    UuidRepresentation.STANDARD,
    UuidRepresentation.PYTHON_LEGACY,
    UuidRepresentation.JAVA_LEGACY,
    UuidRepresentation.CSHARP_LEGACY,
)
UUID_REPRESENTATION_NAMES = {
    UuidRepresentation.UNSPECIFIED: "UuidRepresentation.UNSPECIFIED",
    UuidRepresentation.STANDARD: "UuidRepresentation.STANDARD",
    UuidRepresentation.PYTHON_LEGACY: "UuidRepresentation.PYTHON_LEGACY",
    UuidRepresentation.JAVA_LEGACY: "UuidRepresentation.JAVA_LEGACY",
    UuidRepresentation.CSHARP_LEGACY: "UuidRepresentation.CSHARP_LEGACY",
}

_UNSPECIFIED_UUID = (
    "cannot encode native uuid.UUID with UuidRepresentation.UNSPECIFIED. "
    "UUIDs can be manually converted to bson.Binary instances using "
    "bson.Binary.from_uuid() or a different UuidRepresentation can be configured. "
    "See the documentation for UuidRepresentation for more information."
)
_BAD_REPRESENTATION = "uuid_representation must be a value from bson.binary.UuidRepresentation"
_BAD_VECTOR = (
    "Could not create Binary. Vector must be a BinaryVector, list[int], list[float] "
    "or numpy ndarray."
)
_NO_NUMPY = (
    "Failed to create binary from vector. Check type. If numpy array, numpy must be installed."
)


class BinaryVectorDtype(Enum):
    """Element types of a vector; the value is the byte that marks them in the payload."""

    INT8 = b"\x03"
    FLOAT32 = b"\x27"
    PACKED_BIT = b"\x10"


class BinaryVector:
    """Numbers of one type, as stored in Binary subtype 9.

    ``data`` holds ints (INT8, PACKED_BIT: the bytes) or floats, or a numpy array; ``padding`` is
    the number of unused low bits in the last byte (PACKED_BIT only).
    """

    __slots__ = ("data", "dtype", "padding")

    def __init__(
        self,
        data: Sequence[float | int] | npt.NDArray[np.number[Any]],
        dtype: BinaryVectorDtype,
        padding: int = 0,
    ) -> None:
        self.data = data
        self.dtype = dtype
        self.padding = padding

    def __repr__(self) -> str:
        return f"BinaryVector(dtype={self.dtype}, padding={self.padding}, data={self.data})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BinaryVector):
            return False
        return bool(
            self.dtype == other.dtype
            and self.padding == other.padding
            and _same_numbers(self.data, other.data)
        )

    def __len__(self) -> int:
        return len(self.data)


def _same_numbers(one: Any, two: Any) -> bool:
    same = one == two
    if isinstance(same, bool):
        return same
    return len(one) == len(two) and bool(same.all())  # numpy compares element by element


def _swap_halves(data: bytes) -> bytes:
    """Reverse each half: JAVA_LEGACY to standard order and back."""
    return data[7::-1] + data[:7:-1]


class Binary(BinaryStorage):
    """Bytes with a BSON binary subtype (0 to 255).

    ``data`` is any bytes-like object. Never equal to plain bytes. TypeError for a subtype that is
    not an int, ValueError for one out of range.
    """

    _type_marker = _Markers.BINARY

    __subtype: int

    def __new__(
        cls,
        data: memoryview | bytes | bytearray | mmap | array[Any],
        subtype: int = BINARY_SUBTYPE,
    ) -> Binary:
        if not isinstance(subtype, int):
            raise TypeError(f"subtype must be an instance of int, not {type(subtype)}")
        if not 0 <= subtype < 256:
            raise ValueError("subtype must be contained in [0, 256)")
        self = bytes.__new__(cls, memoryview(data).tobytes())
        self.__subtype = subtype
        return self

    @classmethod
    def from_uuid(
        cls, uuid: UUID, uuid_representation: int = UuidRepresentation.STANDARD
    ) -> Binary:
        """Return ``uuid`` in a representation (:class:`UuidRepresentation`).

        TypeError for what is not a UUID; ValueError for UNSPECIFIED or an unknown representation.
        """
        if not isinstance(uuid, UUID):
            raise TypeError(f"uuid must be an instance of uuid.UUID, not {type(uuid)}")
        if uuid_representation not in ALL_UUID_REPRESENTATIONS:
            raise ValueError(_BAD_REPRESENTATION)
        if uuid_representation == UuidRepresentation.UNSPECIFIED:
            raise ValueError(_UNSPECIFIED_UUID)
        if uuid_representation == UuidRepresentation.STANDARD:
            return cls(uuid.bytes, UUID_SUBTYPE)
        if uuid_representation == UuidRepresentation.JAVA_LEGACY:
            return cls(_swap_halves(uuid.bytes), OLD_UUID_SUBTYPE)
        if uuid_representation == UuidRepresentation.CSHARP_LEGACY:
            return cls(uuid.bytes_le, OLD_UUID_SUBTYPE)
        return cls(uuid.bytes, OLD_UUID_SUBTYPE)

    def as_uuid(self, uuid_representation: int = UuidRepresentation.STANDARD) -> UUID:
        """Return the UUID that this is in a representation.

        ValueError if the subtype does not belong to it or the payload is not 16 bytes.
        """
        if self.__subtype not in ALL_UUID_SUBTYPES:
            raise ValueError(f"cannot decode subtype {self.__subtype} as a uuid")
        if uuid_representation not in ALL_UUID_REPRESENTATIONS:
            raise ValueError(_BAD_REPRESENTATION)
        if uuid_representation == UuidRepresentation.UNSPECIFIED:
            raise ValueError("uuid_representation cannot be UNSPECIFIED")
        standard = uuid_representation == UuidRepresentation.STANDARD
        if standard != (self.__subtype == UUID_SUBTYPE):
            name = UUID_REPRESENTATION_NAMES[uuid_representation]
            raise ValueError(f"cannot decode subtype {self.__subtype} to {name}")
        if len(self) != 16:
            raise ValueError(f"cannot decode a uuid from a {len(self)}-byte payload, expected 16")
        if uuid_representation == UuidRepresentation.JAVA_LEGACY:
            return UUID(bytes=_swap_halves(self))
        if uuid_representation == UuidRepresentation.CSHARP_LEGACY:
            return UUID(bytes_le=bytes(self))
        return UUID(bytes=bytes(self))

    @overload
    @classmethod
    def from_vector(cls, vector: BinaryVector) -> Binary: ...
    @overload
    @classmethod
    def from_vector(
        cls,
        vector: list[int] | list[float] | npt.NDArray[np.number[Any]],
        dtype: BinaryVectorDtype,
        padding: int = 0,
    ) -> Binary: ...
    @classmethod
    def from_vector(
        cls,
        vector: BinaryVector | list[int] | list[float] | npt.NDArray[np.number[Any]],
        dtype: BinaryVectorDtype | None = None,
        padding: int | None = None,
    ) -> Binary:
        """Return the Binary (subtype 9) of a BinaryVector, a list of numbers or a numpy array.

        A BinaryVector brings its own dtype and padding, anything else needs ``dtype``. TypeError
        for other input (ImportError where numpy cannot be imported), ValueError for a padding that
        does not fit, struct.error or OverflowError for numbers out of range.
        """
        if isinstance(vector, BinaryVector):
            if dtype or padding:
                raise ValueError(
                    "The first argument, vector, has type BinaryVector. "
                    "dtype or padding cannot be separately defined, but were."
                )
            data, dtype, padding = vector.data, vector.dtype, vector.padding
        else:
            data = vector
        padding = 0 if padding is None else padding
        if not isinstance(dtype, BinaryVectorDtype):
            raise TypeError(
                "dtype must be a bson.BinaryVectorDtype of BinaryVectorDType.INT8, "
                "PACKED_BIT, FLOAT32"
            )
        _check_padding(data, dtype, padding)
        payload = _vector_payload(data, dtype)
        if dtype is BinaryVectorDtype.PACKED_BIT and padding and _unused_bits(payload, padding):
            raise ValueError(
                "Vector has a padding P, but bits in the final byte lower than P are non-zero. "
                "They must be zero."
            )
        return cls(dtype.value + bytes([padding]) + payload, subtype=VECTOR_SUBTYPE)

    def as_vector(self, return_numpy: bool = False) -> BinaryVector:
        """Return the numbers of a vector (subtype 9), as a list or as a numpy array.

        ValueError for another subtype or a corrupt payload; ImportError without numpy.
        """
        if self.__subtype != VECTOR_SUBTYPE:
            raise ValueError(f"Cannot decode subtype {self.__subtype} as a vector")
        code, padding = struct.unpack_from("<sB", self, 0)
        dtype = BinaryVectorDtype(code)
        payload = self[2:]
        _check_stored(payload, dtype, padding)
        if return_numpy:
            return BinaryVector(_as_numpy(payload, dtype), dtype, padding)
        if dtype is BinaryVectorDtype.FLOAT32:
            return BinaryVector(list(struct.unpack(f"<{len(payload) // 4}f", payload)), dtype, 0)
        if dtype is BinaryVectorDtype.INT8:
            return BinaryVector(list(struct.unpack(f"<{len(payload)}b", payload)), dtype, 0)
        return BinaryVector(list(payload), dtype, padding)

    @property
    def subtype(self) -> int:
        """The subtype."""
        return self.__subtype

    def __getnewargs__(self) -> tuple[bytes, int]:  # type: ignore[override]
        return bytes(self), self.__subtype

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Binary):
            return self.__subtype == other.subtype and bytes(self) == bytes(other)
        return False

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__() ^ hash(self.__subtype)

    def __repr__(self) -> str:
        if self.__subtype == SENSITIVE_SUBTYPE:
            return f"<Binary(REDACTED, {self.__subtype})>"
        return f"Binary({bytes.__repr__(self)}, {self.__subtype})"


def _check_padding(data: Any, dtype: BinaryVectorDtype, padding: int) -> None:
    if dtype is not BinaryVectorDtype.PACKED_BIT:
        if padding:
            raise ValueError(f"padding does not apply to {dtype=}")
        return
    if not 0 <= padding <= 7:
        raise ValueError(f"padding={padding}. It must be in [0,1, ..7].")
    if padding and not len(data):
        raise ValueError("Empty vector with non-zero padding.")


def _unused_bits(payload: bytes, padding: int) -> int:
    return payload[-1] & ((1 << padding) - 1)


def _vector_payload(data: Any, dtype: BinaryVectorDtype) -> bytes:
    if isinstance(data, list):
        code = {
            BinaryVectorDtype.INT8: "b",
            BinaryVectorDtype.FLOAT32: "f",
            BinaryVectorDtype.PACKED_BIT: "B",
        }[dtype]
        return struct.pack(f"<{len(data)}{code}", *data)
    if hasattr(data, "__array_interface__"):
        return _numpy_payload(data, dtype)
    try:
        import numpy  # noqa: F401
    except ImportError as exc:  # as PyMongo: it might have been an array
        raise ImportError(_NO_NUMPY) from exc
    raise TypeError(_BAD_VECTOR)


def _numpy_payload(data: npt.NDArray[Any], dtype: BinaryVectorDtype) -> bytes:
    if data.ndim != 1:
        raise ValueError("from_numpy_vector only supports 1D arrays as it creates a single vector.")
    if dtype is BinaryVectorDtype.FLOAT32:
        return data.astype("<f4").tobytes()
    if dtype is BinaryVectorDtype.INT8:
        name, low, high = "int8", -128, 127
    else:
        name, low, high = "uint8", 0, 255
    if len(data) and (data.min() < low or data.max() > high):
        raise ValueError(f"Values found outside {name.upper()} range.")
    return data.astype(name).tobytes()


def _check_stored(payload: bytes, dtype: BinaryVectorDtype, padding: int) -> None:
    if dtype is not BinaryVectorDtype.PACKED_BIT:
        if padding:
            raise ValueError(
                f"Corrupt data. Padding ({padding}) must be 0 for all but PACKED_BIT dtypes. "
                f"(dtype={dtype!r})"
            )
        if dtype is BinaryVectorDtype.FLOAT32 and len(payload) % 4:
            raise ValueError("Corrupt data. N bytes for a float32 vector must be a multiple of 4.")
        return
    if padding and not payload:
        raise ValueError("Corrupt data. Vector has a padding P, but no data.")
    if not 0 <= padding <= 7:
        raise ValueError(f"Corrupt data. Padding ({padding}) must be between 0 and 7.")
    if padding and _unused_bits(payload, padding):
        warnings.warn(
            "Vector has a padding P, but bits in the final byte lower than P are non-zero. "
            "For pymongo>=5.0, they must be zero.",
            DeprecationWarning,
            stacklevel=3,
        )


def _as_numpy(payload: bytes, dtype: BinaryVectorDtype) -> npt.NDArray[Any]:
    try:
        import numpy as np
    except ImportError as exc:
        raise ImportError(
            "Converting binary to numpy.ndarray requires numpy to be installed."
        ) from exc
    name = {
        BinaryVectorDtype.INT8: "int8",
        BinaryVectorDtype.FLOAT32: "<f4",
        BinaryVectorDtype.PACKED_BIT: "uint8",
    }[dtype]
    return np.frombuffer(payload, dtype=name)
