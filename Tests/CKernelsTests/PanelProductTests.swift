import CKernels
import XCTest

/// Products of packed f32 panels against sums in double. (Those of bf16 are tested through `TensorCore`.)
final class PanelProductTests: XCTestCase {
    private struct Sizes { var rows, columns, depth: Int }

    private func packed(_ b: [Float], _ sizes: Sizes, isTransposed: Bool) -> [Float] {
        let panels = (sizes.columns + Int(ck_panel_columns) - 1) / Int(ck_panel_columns)
        var packed = [Float](repeating: .nan, count: panels * Int(ck_panel_columns) * sizes.depth)
        b.withUnsafeBytes { b in
            var matrix = ck_panel_matrix(
                type: ck_f32, values: b.baseAddress, leading: isTransposed ? sizes.depth : sizes.columns,
                columns: sizes.columns, depth: sizes.depth, is_transposed: isTransposed)
            packed.withUnsafeMutableBytes { packed in
                for panel in 0..<panels {
                    let start = packed.baseAddress.map {
                        $0 + 4 * panel * Int(ck_panel_columns) * sizes.depth
                    }
                    ck_panel_pack(&matrix, panel, start)
                }
            }
        }
        return packed
    }

    private func multiply(
        _ a: [Float], _ packed: [Float], _ sizes: Sizes, adding old: [Float], avoidsAVX512: Bool
    ) -> [Float] {
        var c = old
        a.withUnsafeBytes { a in
            packed.withUnsafeBytes { packed in
                c.withUnsafeMutableBytes { c in
                    var product = ck_panel_product(
                        type: ck_f32, a: a.baseAddress, b: packed.baseAddress, c: c.baseAddress,
                        leading_a: sizes.depth, leading_c: sizes.columns, columns: sizes.columns,
                        depth: sizes.depth, pieces: 1, piece_stride: 0, step_b: Int(ck_panel_columns),
                        panel_b: Int(ck_panel_columns) * sizes.depth, scale: 0.5, accumulates: true,
                        is_wide: true, avoids_avx512: avoidsAVX512)
                    let panels = packed.count / (4 * Int(ck_panel_columns) * sizes.depth)
                    for panel in 0..<panels { ck_panel_multiply(&product, 0, sizes.rows, panel) }
                }
            }
        }
        return c
    }

    func testEverySizeAndWidthOfVectors() throws {
        try XCTSkipUnless(ck_has_panel_products(ck_f32), "this processor has no AVX2")
        var random = SplitMix(7)
        let floats = { (count: Int) in random.values(count, in: -1...1).map { Float($0) } }
        for rows in [1, 5, 12, 13, 41] {
            for columns in [1, 7, 8, 9, 17, 32, 40, 71] {
                for depth in [1, 16, 19, 77] {
                    let sizes = Sizes(rows: rows, columns: columns, depth: depth)
                    let (a, b, old) = (floats(rows * depth), floats(columns * depth), floats(rows * columns))
                    // b lies as n×k; the same as k×n.
                    let turned = (0..<(columns * depth)).map { b[$0 % columns * depth + $0 / columns] }
                    let panels = packed(b, sizes, isTransposed: true)
                    XCTAssertEqual(packed(turned, sizes, isTransposed: false), panels, "\(sizes)")
                    let found = multiply(a, panels, sizes, adding: old, avoidsAVX512: false)
                    XCTAssertEqual(
                        multiply(a, panels, sizes, adding: old, avoidsAVX512: true), found, "\(sizes)")
                    for (index, value) in found.enumerated() {
                        let (row, column) = index.quotientAndRemainder(dividingBy: columns)
                        let sum = (0..<depth).reduce(0.0) {
                            $0 + Double(a[row * depth + $1]) * Double(b[column * depth + $1])
                        }
                        XCTAssertEqual(
                            Double(value), 0.5 * sum + Double(old[index]), accuracy: 1e-5, "\(sizes)")
                    }
                }
            }
        }
    }
}
