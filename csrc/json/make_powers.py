"""writes powers.h: 10**e for every exponent that a double can need, to 128 bits.

Run it in this folder: python make_powers.py > powers.h
"""

FIRST, LAST = -342, 324


def leading_bits(exponent: int) -> int:
    """Return the first 128 bits of 10**exponent, cut off."""
    if exponent >= 0:
        power = 5**exponent
        shift = power.bit_length() - 128
        return power >> shift if shift > 0 else power << -shift
    divisor = 5**-exponent
    quotient = (1 << (divisor.bit_length() + 128)) // divisor
    return quotient >> (quotient.bit_length() - 128)


print("/* Written by make_powers.py: the first 128 bits of 10^e, high half first. */")
print("#ifndef BSONX_JSON_POWERS_H\n#define BSONX_JSON_POWERS_H\n")
print("#include <stdint.h>\n")
print(f"#define BX_FIRST_POWER ({FIRST})\n#define BX_LAST_POWER {LAST}\n")
print(f"static const uint64_t BX_POWERS[{LAST - FIRST + 1}][2] = {{")
for exponent in range(FIRST, LAST + 1):
    bits = leading_bits(exponent)
    high, low = bits >> 64, bits & (1 << 64) - 1
    print(f"    {{UINT64_C(0x{high:016X}), UINT64_C(0x{low:016X})}}, /* {exponent} */")
print("};\n\n#endif")
