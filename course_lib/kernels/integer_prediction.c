/* Linear prediction in whole numbers: p = floor((2^(shift-1) - sum_m q_m x_{t-m}) / 2^shift).
   x points behind M samples of the past; block b of samples has the coefficients q[b * M ...]. */
#include <stdint.h>

static inline int64_t prediction(const int64_t *x, const int64_t *q, int64_t M, int64_t half, int64_t shift) {
    int64_t sum = half;
    for (int64_t m = 1; m <= M; m++) sum -= q[m - 1] * x[-m];
    return sum >> shift;
}

void integer_residual(const int64_t *x, const int64_t *q, int64_t *e, int64_t T, int64_t block, int64_t M, int64_t shift) {
    const int64_t half = (int64_t)1 << shift >> 1;
    for (int64_t t = 0; t < T; t++) e[t] = x[t] - prediction(x + t, q + t / block * M, M, half, shift);
}

/* Returns the first place where |x| exceeds the limit, and stops there; -1 where there is none. */
int64_t integer_synthesize(const int64_t *e, const int64_t *q, int64_t *x, int64_t T, int64_t block, int64_t M, int64_t shift, int64_t limit) {
    const int64_t half = (int64_t)1 << shift >> 1;
    for (int64_t t = 0; t < T; t++) {
        x[t] = e[t] + prediction(x + t, q + t / block * M, M, half, shift);
        if (x[t] > limit || x[t] < -limit) return t;
    }
    return -1;
}
