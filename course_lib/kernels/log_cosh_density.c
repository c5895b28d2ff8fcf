/* log p(s) = m - a s^2 / 2 - k log cosh(b s), its derivative, and less its second derivative, for D sources of n samples each.
   Written without branches or calls, so that a compiler does several samples at a time. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#define MAGIC 0x1.8p52 /* added to a small number it leaves the nearest whole one in the lowest bits */
#define LOG2E 0x1.71547652b82fep0
#define LN2 0x1.62e42fefa39efp-1
#define LN2_HIGH 0x1.62e42fefa3800p-1
#define LN2_LOW 0x1.ef35793c76730p-45

/* e^x for x <= 0; below -700 that of -700. */
static inline double exp_of_negative(double x)
{
    x = x < -700.0 ? -700.0 : x;
    const double shifted = x * LOG2E + MAGIC, whole = shifted - MAGIC;
    const double r = (x - whole * LN2_HIGH) - whole * LN2_LOW; /* |r| <= ln 2 / 2 */
    double p = 1.0 / 6227020800.0;                             /* Taylor's series up to r^13 / 13! */
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    uint64_t bits;
    double power; /* 2^whole: its exponent is all there is of it */
    memcpy(&bits, &shifted, 8);
    bits = (bits << 52) + 0x3ff0000000000000u;
    memcpy(&power, &bits, 8);
    return p * power;
}

/* log(1 + e) for 0 <= e <= 1: 2 artanh(e / (2 + e)). */
static inline double log_one_plus(double e)
{
    const double z = e / (2.0 + e), w = z * z; /* w <= 1/9 */
    double p = 1.0 / 33.0;
    p = p * w + 1.0 / 31.0;
    p = p * w + 1.0 / 29.0;
    p = p * w + 1.0 / 27.0;
    p = p * w + 1.0 / 25.0;
    p = p * w + 1.0 / 23.0;
    p = p * w + 1.0 / 21.0;
    p = p * w + 1.0 / 19.0;
    p = p * w + 1.0 / 17.0;
    p = p * w + 1.0 / 15.0;
    p = p * w + 1.0 / 13.0;
    p = p * w + 1.0 / 11.0;
    p = p * w + 1.0 / 9.0;
    p = p * w + 1.0 / 7.0;
    p = p * w + 1.0 / 5.0;
    p = p * w + 1.0 / 3.0;
    p = p * w + 1.0;
    return 2.0 * z * p;
}

void log_cosh_density(const double *restrict s, long D, long n, double a, double b, const double *restrict k, const double *restrict m,
                      double *restrict log_p, double *restrict score, double *restrict curvature)
{
    for (long d = 0; d < D; d++) {
        const double pull = k[d] * b, bend = k[d] * b * b, level = m[d] + k[d] * LN2, strength = k[d];
        for (long i = d * n; i < (d + 1) * n; i++) {
            const double u = fabs(b * s[i]), e = exp_of_negative(-2.0 * u);
            const double tanh_u = (1.0 - e) / (1.0 + e);
            log_p[i] = level - 0.5 * a * s[i] * s[i] - strength * (u + log_one_plus(e));
            score[i] = -a * s[i] - pull * copysign(tanh_u, s[i]);
            curvature[i] = a + bend * (1.0 - tanh_u * tanh_u);
        }
    }
}
