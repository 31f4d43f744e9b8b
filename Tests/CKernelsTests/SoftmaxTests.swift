import CKernels
import XCTest

final class SoftmaxTests: XCTestCase {
    private func softmax(_ x: Elements, rows: Int) -> Elements {
        let y = Elements(x.type, count: x.count)
        ck_softmax(x.type, x.base, y.base, rows, x.count / rows)
        return y
    }

    private func reference(_ x: [Double], rows: Int) -> [Double] {
        let columns = x.count / rows
        return (0..<rows).flatMap { row in
            let values = x[row * columns..<(row + 1) * columns]
            let largest = values.max() ?? 0
            let exponentials = values.map { exp($0 - largest) }
            let sum = exponentials.reduce(0, +)
            return exponentials.map { $0 / sum }
        }
    }

    func testAgreesWithDouble() {
        var source = SplitMix(50)
        for type in ck_dtype.floating {
            for columns in [1, 2, 10, 63, 64, 65, 77, 128, 1000, 5000] {
                let x = Elements(type, source.values(3 * columns, in: -15...15))
                let expected = Elements(type, reference(x.doubles, rows: 3)).doubles
                // x − max, up to 30, is rounded before it is an exponent.
                let relative =
                    type == ck_f64 ? 1e-14 : 4e-7 + 30 * 0x1p-24 + (type == ck_f32 ? 0 : 2 * type.roundoff)
                let y = softmax(x, rows: 3)
                assertClose(
                    y.doubles, expected, absolute: type == ck_f16 ? 0x1p-24 : 0, relative: relative,
                    "type \(type.rawValue), columns \(columns)")
                let inPlace = x.copy()
                ck_softmax(type, inPlace.base, inPlace.base, 3, columns)
                XCTAssertEqual(inPlace.bytes, y.bytes)
            }
        }
    }

    func testLargeLogitsAndMaskedEntries() {
        let x: [Double] = [1e4, 1e4 - 1, -1e4, 1e4, -.infinity, 0, 2, -.infinity]
        for type in [ck_f32, ck_f64] {
            let input = Elements(type, x)
            let relative = type == ck_f32 ? 3e-7 : 1e-14
            assertClose(
                softmax(input, rows: 2).doubles, reference(input.doubles, rows: 2), relative: relative)
        }
    }

    /// Nothing to choose from, and a NaN among the choices: the whole row says so, its neighbours do not.
    func testRowsWithoutADistributionAreNaN() {
        let x = Elements(ck_f32, [-.infinity, -.infinity, 0, 1, .nan, 1, 2, 2])
        assertClose(
            softmax(x, rows: 4).doubles,
            [.nan, .nan] + reference([0, 1], rows: 1) + [.nan, .nan, 0.5, 0.5], relative: 3e-7)
    }

    func testAdjointAgreesWithCentralDifferences() {
        var source = SplitMix(51)
        let (rows, columns) = (3, 13)
        let x = source.values(rows * columns, in: -2...2)
        let dy = Elements(ck_f64, source.values(x.count, in: -1...1))
        let dx = Elements(ck_f64, count: x.count)
        let y = softmax(Elements(ck_f64, x), rows: rows)
        ck_softmax_adjoint(ck_f64, y.base, dy.base, dx.base, rows, columns)
        let expected = centralDifferences(x) { perturbed in
            let y = self.softmax(Elements(ck_f64, perturbed), rows: rows)
            return ck_dot(ck_f64, y.base, dy.base, x.count)
        }
        assertClose(dx.doubles, expected, absolute: 1e-9)
    }

    func testAdjointInEveryPrecision() {
        var source = SplitMix(52)
        for type in ck_dtype.floating {
            for columns in [1, 7, 64, 77, 1500] {
                let y = softmax(Elements(type, source.values(2 * columns, in: -3...3)), rows: 2)
                let dy = Elements(type, source.values(2 * columns, in: -1...1))
                let dx = Elements(type, count: 2 * columns)
                ck_softmax_adjoint(type, y.base, dy.base, dx.base, 2, columns)
                let expected = (0..<2 * columns).map { index in
                    let row = index / columns * columns
                    let inner = (row..<row + columns).reduce(0) { $0 + dy[$1] * y[$1] }
                    return y[index] * (dy[index] - inner)
                }
                let tolerance = 2 * type.roundoff + (type == ck_f64 ? 1e-15 : 1e-7)
                assertClose(dx.doubles, expected, absolute: tolerance, relative: tolerance)
            }
        }
    }
}

/// ∂f/∂xᵢ ≈ (f(x + h eᵢ) − f(x − h eᵢ)) / 2h.
func centralDifferences(_ x: [Double], step h: Double = 1e-5, of function: ([Double]) -> Double) -> [Double] {
    x.indices.map { i in
        var up = x
        var down = x
        up[i] += h
        down[i] -= h
        return (function(up) - function(down)) / (2 * h)
    }
}
