/// Single precision for the templates included next. They are written in REAL and NAME(function), so that the
/// double-precision version, which gradient checks run, is the same formula. No guard: meant to be repeated.
#undef REAL
#undef NAME
#undef EACH_ALONE
#define REAL float
#define NAME(function) function##_f32
#define EACH_ALONE CK_EACH_ALONE
