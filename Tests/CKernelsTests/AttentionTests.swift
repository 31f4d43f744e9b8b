import CKernels
import Foundation
import XCTest

final class AttentionTests: XCTestCase {
    private let (rows, stride) = (5, 128)

    private func tile(
        _ type: ck_dtype, columns: Int, causal: Bool = false, visible: Int64 = 0,
        mask: UnsafePointer<Int32>? = nil
    ) -> ck_score_tile {
        ck_score_tile(
            type: type, rows: rows, columns: columns, stride: stride, causal: causal, visible: visible,
            mask: mask)
    }

    /// Scores of `columns` columns at the head of rows `stride` apart; the rest is NaN.
    private func scores(_ type: ck_dtype, _ values: [Double], columns: Int) -> Elements {
        let s = Elements(type, Array(repeating: .nan, count: rows * stride))
        for index in 0..<rows * columns { s[index / columns * stride + index % columns] = values[index] }
        return s
    }

    /// Two tiles one after the other are one softmax; the output follows each new maximum.
    func testTwoTilesAreOneSoftmax() {
        var random = SplitMix(90)
        for type in [ck_f32, ck_f64] {
            let widths = [77, 128]
            let parts = widths.map { random.values(rows * $0, in: -20...20) }
            let max = Elements(type, Array(repeating: -.infinity, count: rows))
            var sum = [Double](repeating: 0, count: rows)
            let output = Elements(type, Array(repeating: 0, count: rows * 3))
            for (columns, values) in zip(widths, parts) {
                var tile = tile(type, columns: columns)
                let s = scores(type, values, columns: columns)
                ck_softmax_tile(&tile, s.base, max.base, &sum, output.base, 2, 3)
                for r in 0..<rows {
                    let row = (0..<columns).map { s[r * stride + $0] }
                    output[r * 3] += row.reduce(0, +)
                    output[r * 3 + 1] += row.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
                }
            }
            let lse = Elements(type, count: rows)
            ck_softmax_finish(type, max.base, sum, lse.base, rows, output.base, 2, 3)
            for r in 0..<rows {
                let row = zip(widths, parts).map { Array($1[(r * $0)..<((r + 1) * $0)]) }
                let total = row.joined().reduce(0) { $0 + exp($1) }
                let weighted = row.joined().map { exp($0) / total }
                let positions = widths.flatMap { Array(0..<$0) }
                let tolerance = type == ck_f64 ? 1e-12 : 5e-6
                assertClose([lse[r]], [log(total)], relative: tolerance)
                assertClose([output[r * 3]], [1], relative: tolerance)
                assertClose(
                    [output[r * 3 + 1]], [zip(weighted, positions).reduce(0) { $0 + $1.0 * Double($1.1) }],
                    relative: tolerance)
            }
        }
    }

    func testHiddenColumnsWeighNothing() {
        let columns = 70
        let mask = (0..<columns).map { Int32($0 % 7 == 3 ? 0 : 1) }
        for type in [ck_f32, ck_f64] {
            for (causal, visible) in [(false, Int64(0)), (true, 3), (true, -2), (true, 200)] {
                var tile = tile(type, columns: columns, causal: causal, visible: visible)
                let s = scores(type, Array(repeating: 1, count: rows * columns), columns: columns)
                let max = Elements(type, Array(repeating: -.infinity, count: rows))
                var sum = [Double](repeating: 0, count: rows)
                let output = Elements(type, Array(repeating: 0, count: rows))
                mask.withUnsafeBufferPointer {
                    tile.mask = $0.baseAddress
                    ck_softmax_tile(&tile, s.base, max.base, &sum, output.base, 1, 1)
                }
                for r in 0..<rows {
                    let limit = causal ? Int(visible) + r : columns
                    let expected = (0..<stride).map { $0 < min(limit, columns) && $0 % 7 != 3 ? 1.0 : 0 }
                    XCTAssertEqual((0..<stride).map { s[r * stride + $0] }, expected)
                    XCTAssertEqual(sum[r], expected.reduce(0, +))
                }
            }
        }
    }

    func testSlopesOfATile() {
        var random = SplitMix(91)
        let columns = 9
        for type in [ck_f32, ck_f64] {
            var tile = tile(type, columns: columns, causal: true, visible: 4)
            let values = random.values(rows * columns, in: -3...3)
            let upstream = random.values(rows * columns, in: -1...1)
            let (s, dp) = (
                scores(type, values, columns: columns), scores(type, upstream, columns: columns)
            )
            let lse = Elements(type, random.values(rows, in: 1...3))
            let delta = Elements(type, random.values(rows, in: -1...1))
            ck_softmax_tile_adjoint(&tile, s.base, dp.base, lse.base, delta.base, 0.3)
            for r in 0..<rows {
                for c in 0..<64 {
                    let isSeen = c < min(4 + r, columns)
                    let p = isSeen ? exp(values[r * columns + c] - lse[r]) : 0
                    let slope = isSeen ? p * (upstream[r * columns + c] - delta[r]) * 0.3 : 0
                    assertClose([s[r * stride + c]], [p], absolute: 1e-30, relative: 1e-6)
                    assertClose([dp[r * stride + c]], [slope], absolute: 1e-7, relative: 1e-6)
                }
            }
        }
    }

    func testRowDots() {
        var random = SplitMix(92)
        for type in [ck_f32, ck_f64, ck_bf16, ck_f16] {
            let a = Elements(type, random.values(3 * 40, in: -1...1))
            let b = Elements(type, random.values(3 * 40, in: -1...1))
            let y = Elements(type == ck_f64 ? ck_f64 : ck_f32, count: 3)
            ck_row_dots(type, a.base, b.base, 3, 37, 40, y.base)
            let expected = (0..<3).map { r in (0..<37).reduce(0) { $0 + a[r * 40 + $1] * b[r * 40 + $1] } }
            assertClose(y.doubles, expected, absolute: 1e-6)
        }
    }
}
