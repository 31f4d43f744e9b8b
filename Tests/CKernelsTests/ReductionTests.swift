import CKernels
import XCTest

final class ReductionTests: XCTestCase {
    static let shapes: [(Int, Int, Int)] = [
        (1, 1, 1), (1, 1000, 1), (7, 5, 1), (300, 2, 1), (3, 31, 1), (3, 32, 1), (5, 77, 1), (2, 3000, 1),
        (1, 100, 2), (1, 1000, 3), (4, 17, 5), (2, 9, 32), (1, 50, 33), (3, 40, 320), (1, 5, 5000),
        (2, 1, 70),
    ]

    func testAgreesWithLoops() {
        var source = SplitMix(40)
        let folds: [(ck_reduce_op, Double, (Double, Double) -> Double)] = [
            (ck_sum, 0, { $0 + $1 }), (ck_max, -.infinity, { max($0, $1) }),
            (ck_min, .infinity, { min($0, $1) }),
        ]
        for (outer, extent, inner) in Self.shapes {
            for type in ck_dtype.floating {
                let x = Elements(type, source.values(outer * extent * inner, in: -3...3))
                for (op, start, fold) in folds {
                    let y = Elements(type, count: outer * inner)
                    ck_reduce(op, type, x.base, y.base, outer, extent, inner)
                    let expected = (0..<outer * inner).map { index in
                        (0..<extent).reduce(start) {
                            fold($0, x[(index / inner * extent + $1) * inner + index % inner])
                        }
                    }
                    // Only the rounding of the result, and that of the order of a sum in double.
                    assertClose(
                        y.doubles, expected, absolute: op == ck_sum ? 1e-12 : 0,
                        relative: 1.01 * type.roundoff,
                        "[\(outer), \(extent), \(inner)], op \(op.rawValue), type \(type.rawValue)")
                }
            }
        }
    }

    func testAMillionLikeSignedFloats() {
        var source = SplitMix(41)
        let x = Elements(ck_f32, source.values(1_000_000, in: 0.5...1.5))
        let exact = x.doubles.reduce(0, +)
        let y = Elements(ck_f32, count: 1)
        ck_reduce(ck_sum, ck_f32, x.base, y.base, 1, 1_000_000, 1)
        assertClose(y.doubles, [exact], relative: 0x1p-24)
        let columns = Elements(ck_f32, count: 4)
        ck_reduce(ck_sum, ck_f32, x.base, columns.base, 1, 250_000, 4)
        let expected = (0..<4).map { column in
            stride(from: column, to: 1_000_000, by: 4).reduce(0) { $0 + x[$1] }
        }
        assertClose(columns.doubles, expected, relative: 0x1p-24)
    }

    func testResultDoesNotDependOnAlignment() {
        var source = SplitMix(42)
        let values = source.values(1003, in: -1...1)
        let results = (0..<8).map { shift in
            let x = Elements(ck_f32, Array(repeating: 0, count: shift) + values)
            let y = Elements(ck_f32, count: 2)
            ck_reduce(ck_sum, ck_f32, x.at(shift), y.base, 1, 1003, 1)
            return y.bytes.prefix(4)
                + [UInt8](withUnsafeBytes(of: ck_dot(ck_f32, x.at(shift), x.at(shift), 1003)) { Array($0) })
        }
        XCTAssertEqual(Set(results).count, 1)
    }

    func testNaNSurvivesEveryReduction() {
        for op in [ck_sum, ck_max, ck_min] {
            for position in [0, 3, 40, 99] {
                var values = (0..<100).map(Double.init)
                values[position] = .nan
                let x = Elements(ck_f32, values)
                let y = Elements(ck_f32, count: 20)
                ck_reduce(op, ck_f32, x.base, y.base, 1, 100, 1)
                XCTAssertTrue(y[0].isNaN, "op \(op.rawValue), position \(position)")
                ck_reduce(op, ck_f32, x.base, y.base, 20, 5, 1)
                XCTAssertEqual((0..<20).filter { y[$0].isNaN }, [position / 5])
                ck_reduce(op, ck_f32, x.base, y.base, 1, 5, 20)
                XCTAssertEqual((0..<20).filter { y[$0].isNaN }, [position % 20])
            }
        }
    }

    func testEmptyExtentGivesTheNeutralElement() {
        for (op, neutral) in [(ck_sum, 0), (ck_max, -Double.infinity), (ck_min, .infinity)] {
            for inner in [1, 3] {
                let y = Elements(ck_f32, count: 2 * inner)
                ck_reduce(op, ck_f32, y.base, y.base, 2, 0, inner)
                XCTAssertEqual(y.doubles, Array(repeating: neutral, count: 2 * inner))
            }
        }
    }

    func testDotAndSumOfSquares() {
        var source = SplitMix(43)
        for type in ck_dtype.floating {
            for n in [0, 1, 31, 32, 100, 5000] {
                let a = Elements(type, source.values(n, in: -1...1))
                let b = Elements(type, source.values(n, in: -1...1))
                let dot = zip(a.doubles, b.doubles).reduce(0) { $0 + $1.0 * $1.1 }
                let squares = a.doubles.reduce(0) { $0 + $1 * $1 }
                assertClose(
                    [ck_dot(type, a.base, b.base, n), ck_sum_of_squares(type, a.base, n)], [dot, squares],
                    absolute: 1e-13, relative: 1e-13, "type \(type.rawValue), n \(n)")
            }
        }
    }

    func testMaxMagnitudeAndFiniteness() {
        var source = SplitMix(44)
        for type in ck_dtype.floating {
            for n in [0, 1, 33, 4000] {
                let x = Elements(type, source.values(n, in: -9...8))
                var finite = true
                let expected = x.doubles.map { abs($0) }.max() ?? 0
                XCTAssertEqual(ck_max_magnitude(type, x.base, n, &finite), expected)
                XCTAssertTrue(finite)
                for bad in [Double.nan, .infinity, -.infinity] where n > 0 {
                    let damaged = x.copy()
                    damaged[n / 2] = bad
                    finite = true
                    XCTAssertFalse(ck_max_magnitude(type, damaged.base, n, &finite).isFinite)
                    XCTAssertFalse(finite)
                }
                finite = false
                _ = ck_max_magnitude(type, x.base, n, &finite)
                XCTAssertFalse(finite, "set to true")
            }
        }
    }
}
