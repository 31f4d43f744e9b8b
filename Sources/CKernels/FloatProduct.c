#include "PanelProduct.h"

// Products of f32 matrices that are small enough for a library to spend as much on packing them as on multiplying:
// the tiles of attention.

#if defined(__x86_64__)
// With vectors of 16, 24 sums of two vectors a row and 12 rows fit the 32 registers; with vectors of 8, 12 of the 16.
#define LANES 8
#define BLOCK_ROWS 6
#define TARGET __attribute__((target("avx2,fma")))
#define NAME(name) name##_8
#include "FloatPanel.h"

#define LANES 16
#define BLOCK_ROWS 12
#define TARGET __attribute__((target("avx512f")))
#define NAME(name) name##_16
#include "FloatPanel.h"

bool ck_has_float_products(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

void ck_float_multiply(const ck_panel_product *product, size_t row, size_t end, size_t panel) {
    size_t count = ck_least(ck_panel_columns, product->columns - panel * ck_panel_columns);
    // Panels of a quarter of their width are frequent: a head of 40 has 32 columns and 8.
    bool is_wide = count > 8 && !product->avoids_avx512 && __builtin_cpu_supports("avx512f");
    (is_wide ? panel_rows_16 : panel_rows_8)(product, row, end, panel, count);
}
#else
bool ck_has_float_products(void) { return false; }
void ck_float_multiply(const ck_panel_product *product, size_t row, size_t end, size_t panel) { __builtin_trap(); }
#endif
