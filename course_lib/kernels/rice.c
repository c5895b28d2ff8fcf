/* Golomb-Rice codes in two planes: the quotients in unary, one set bit after as many clear ones, and the k low bits of each number.
   The first bit of a byte is its highest. Every number i has the parameter k[i / block]; k is at most 32. */
#include <stdint.h>

static inline uint64_t load_bits(const uint8_t *bytes) {
    uint64_t word = 0;
    for (int i = 0; i < 8; i++) word = word << 8 | bytes[i]; /* one load and a byte swap, says the compiler */
    return word;
}

/* The bits that both planes need. */
void rice_size(const int64_t *u, int64_t n, const int64_t *k, int64_t block, int64_t *unary_bits, int64_t *remainder_bits) {
    int64_t unary = n, remainder = 0;
    for (int64_t first = 0, b = 0; first < n; first += block, b++) {
        const int64_t last = first + block < n ? first + block : n;
        for (int64_t i = first; i < last; i++) unary += u[i] >> k[b];
        remainder += (last - first) * k[b];
    }
    *unary_bits = unary, *remainder_bits = remainder;
}

/* Both planes must be zero, and have 8 bytes more than their bits fill. */
void rice_encode(const int64_t *u, int64_t n, const int64_t *k, int64_t block, uint8_t *unary, uint8_t *remainders) {
    int64_t position = 0;
    uint64_t waiting = 0; /* the last bits that wait for their byte */
    int bits = 0;
    for (int64_t first = 0, b = 0; first < n; first += block, b++) {
        const int64_t last = first + block < n ? first + block : n;
        const int width = (int)k[b];
        const uint64_t mask = ((uint64_t)1 << width) - 1;
        for (int64_t i = first; i < last; i++) {
            position += u[i] >> width;
            unary[position >> 3] |= (uint8_t)(0x80 >> (position & 7));
            position++;
            waiting = waiting << width | ((uint64_t)u[i] & mask);
            bits += width;
            if (bits >= 32) {
                bits -= 32;
                const uint32_t word = (uint32_t)(waiting >> bits);
                for (int byte = 0; byte < 4; byte++) remainders[byte] = (uint8_t)(word >> (24 - 8 * byte));
                remainders += 4;
            }
        }
    }
    for (waiting <<= 64 - bits - (bits == 0); bits > 0; bits -= 8, waiting <<= 8) *remainders++ = (uint8_t)(waiting >> 56);
}

/* Reads n quotients from the given number of bytes; the plane has 8 bytes more, which are zero. Returns the bits read, -1 where it ends too early. */
int64_t rice_decode_unary(const uint8_t *unary, int64_t bytes, int64_t *u, int64_t n) {
    int64_t i = 0, after = 0;
    for (int64_t base = 0; i < n; base += 64) {
        if (base >= 8 * bytes) return -1;
        uint64_t word = load_bits(unary + base / 8);
        for (; word && i < n; i++) {
            const int clear = __builtin_clzll(word);
            u[i] = base + clear - after;
            after = base + clear + 1;
            word &= ~((uint64_t)1 << 63 >> clear);
        }
    }
    return after;
}

/* Puts the low bits behind the quotients; the plane has 8 bytes more than its bits fill. */
void rice_decode_remainders(const uint8_t *remainders, int64_t *u, int64_t n, const int64_t *k, int64_t block) {
    int64_t position = 0;
    for (int64_t first = 0, b = 0; first < n; first += block, b++) {
        const int64_t last = first + block < n ? first + block : n;
        const int width = (int)k[b];
        if (width == 0) continue;
        for (int64_t i = first; i < last; i++, position += width) {
            const uint64_t low = load_bits(remainders + (position >> 3)) << (position & 7) >> (64 - width);
            u[i] = (int64_t)((uint64_t)u[i] << width | low);
        }
    }
}
