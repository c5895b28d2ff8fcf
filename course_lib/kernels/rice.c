/* Golomb-Rice codes in two planes: the quotients in unary, one set bit after as many clear ones, and the k low bits of each number.
   The first bit of a byte is its highest. Every number i has the parameter k[i / block]; k is at most 32. */
#include <stdint.h>

enum { STRETCH = 512 }; /* numbers that the nearest cache holds: first their quotients, then their remainders */

static inline uint64_t load_bits(const uint8_t *bytes) {
    uint64_t word = 0;
    for (int i = 0; i < 8; i++) word = word << 8 | bytes[i]; /* one load and a byte swap, says the compiler */
    return word;
}

static inline void store_bits(uint8_t *bytes, uint64_t word) {
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(word >> (56 - 8 * i));
}

static inline uint64_t mirrored(uint64_t word) { /* the first bit of the first byte becomes the lowest */
    word = (word >> 32) | (word << 32);
    word = (word >> 16 & 0x0000ffff0000ffffu) | (word & 0x0000ffff0000ffffu) << 16;
    word = (word >> 8 & 0x00ff00ff00ff00ffu) | (word & 0x00ff00ff00ff00ffu) << 8;
    word = (word >> 4 & 0x0f0f0f0f0f0f0f0fu) | (word & 0x0f0f0f0f0f0f0f0fu) << 4;
    word = (word >> 2 & 0x3333333333333333u) | (word & 0x3333333333333333u) << 2;
    return (word >> 1 & 0x5555555555555555u) | (word & 0x5555555555555555u) << 1;
}

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* The bits that both planes need. Returns a negative number if one of u is. */
int64_t rice_size(const int64_t *u, int64_t n, const int64_t *k, int64_t block, int64_t *unary_bits, int64_t *remainder_bits) {
    int64_t unary = n, remainder = 0, signs = 0;
    for (int64_t first = 0, b = 0; first < n; first += block, b++) {
        const int64_t last = smaller(first + block, n);
        for (int64_t i = first; i < last; i++) unary += (int64_t)((uint64_t)u[i] >> k[b]), signs |= u[i];
        remainder += (last - first) * k[b];
    }
    *unary_bits = unary, *remainder_bits = remainder;
    return signs;
}

/* Both planes have 8 bytes more than their bits fill; the first must be zero. */
void rice_encode(const int64_t *u, int64_t n, const int64_t *k, int64_t block, uint8_t *unary, uint8_t *remainders) {
    int64_t position = 0, word_at = 0; /* of the next unary bit; of the word that is being filled */
    uint64_t ones = 0, waiting = 0;    /* that word; remainders that wait for their byte, from the top */
    int bits = 0;                      /* how many wait, fewer than 8 between numbers */
    for (int64_t first = 0, b = 0; first < n; first += block, b++) {
        const int64_t last = smaller(first + block, n);
        const int width = (int)k[b];
        const uint64_t mask = ((uint64_t)1 << width) - 1;
        for (int64_t start = first; start < last; start += STRETCH) {
            const int64_t end = smaller(start + STRETCH, last);
            for (int64_t i = start; i < end; i++) {
                position += u[i] >> width;
                const uint64_t one = (uint64_t)1 << 63 >> (position & 63);
                ones = position >> 6 == word_at ? ones | one : one; /* no branch: where a word ends cannot be foreseen */
                word_at = position++ >> 6;
                store_bits(unary + 8 * word_at, ones);
            }
            for (int64_t i = start; i < end;) {
                uint64_t low = (uint64_t)u[i] & mask;
                int some = width;
                if (width <= 14 && i + 4 <= end) { /* four at once: their bits and those that wait still fit a word */
                    const uint64_t second = (uint64_t)u[i + 1] & mask, third = (uint64_t)u[i + 2] & mask, fourth = (uint64_t)u[i + 3] & mask;
                    low = (low << width | second) << 2 * width | third << width | fourth;
                    some = 4 * width, i += 4;
                } else {
                    i++;
                }
                waiting |= low << (63 - bits - some) << 1;
                store_bits(remainders, waiting);
                bits += some;
                remainders += bits >> 3;
                waiting <<= bits & ~7;
                bits &= 7;
            }
        }
    }
}

/* Returns how many bits n quotients take of the given number of bytes, -1 where these end too early. The plane has 8 bytes more, all zero. */
int64_t rice_unary_bits(const uint8_t *unary, int64_t bytes, int64_t n) {
    int64_t left = n, byte = 0;
    if (n == 0) return 0;
    for (; byte < bytes; byte += 8) {
        const int here = __builtin_popcountll(load_bits(unary + byte));
        if (here >= left) break;
        left -= here;
    }
    if (byte >= bytes) return -1;
    uint64_t word = mirrored(load_bits(unary + byte));
    while (--left) word &= word - 1; /* clears the first bit that is set */
    return 8 * byte + __builtin_ctzll(word) + 1;
}

/* Reads n numbers; each plane has 8 bytes more than its bits fill, and n quotients are there. */
void rice_decode(const uint8_t *unary, const uint8_t *remainders, int64_t *u, int64_t n, const int64_t *k, int64_t block) {
    int64_t base = 0, after = 0, position = 0; /* of the word's first bit; behind the last quotient; of the next remainder */
    uint64_t word = n ? mirrored(load_bits(unary)) : 0;
    for (int64_t first = 0, b = 0; first < n; first += block, b++) {
        const int64_t last = smaller(first + block, n);
        const int width = (int)k[b];
        const uint64_t mask = ((uint64_t)1 << width) - 1;
        for (int64_t start = first; start < last; start += STRETCH) {
            const int64_t end = smaller(start + STRETCH, last);
            for (int64_t i = start; i < end; i++) {
                while (!word) base += 64, word = mirrored(load_bits(unary + base / 8));
                const int64_t one = base + __builtin_ctzll(word);
                word &= word - 1;
                u[i] = (one - after) << width;
                after = one + 1;
            }
            int64_t i = start;
            for (; width <= 14 && i + 4 <= end; i += 4, position += 4 * width) { /* four from one load */
                const uint64_t low = load_bits(remainders + (position >> 3)) >> (64 - (position & 7) - 4 * width - !(width | (position & 7)));
                u[i] |= (int64_t)(low >> 3 * width & mask), u[i + 1] |= (int64_t)(low >> 2 * width & mask);
                u[i + 2] |= (int64_t)(low >> width & mask), u[i + 3] |= (int64_t)(low & mask);
            }
            for (; i < end; i++, position += width) {
                u[i] |= (int64_t)(load_bits(remainders + (position >> 3)) << (position & 7) >> 1 >> (63 - width));
            }
        }
    }
}
