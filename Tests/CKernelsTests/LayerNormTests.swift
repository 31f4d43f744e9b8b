import CKernels
import XCTest

/// One layer norm over `rows` rows: inputs and what the kernels make of them.
private struct LayerNorm {
    let x: Elements
    let gamma: Elements?
    let beta: Elements?
    let rows: Int
    let epsilon = 1e-5
    let y: Elements
    let mean: Elements
    let rstd: Elements

    var columns: Int { x.count / rows }
    var type: ck_dtype { x.type }
    private var savedType: ck_dtype { type == ck_f64 ? ck_f64 : ck_f32 }

    init(_ x: Elements, _ gamma: Elements?, _ beta: Elements?, rows: Int) {
        (self.x, self.gamma, self.beta, self.rows) = (x, gamma, beta, rows)
        let saved = x.type == ck_f64 ? ck_f64 : ck_f32
        y = Elements(x.type, count: x.count)
        mean = Elements(saved, count: rows)
        rstd = Elements(saved, count: rows)
        ck_layer_norm(
            x.type, x.base, gamma?.base, beta?.base, epsilon, y.base, mean.base, rstd.base, rows,
            x.count / rows)
    }

    func adjoint(_ dy: Elements, dgamma: Elements?, dbeta: Elements?) -> Elements {
        let dx = Elements(type, count: x.count)
        ck_layer_norm_adjoint(
            type, x.base, gamma?.base, mean.base, rstd.base, dy.base, dx.base, dgamma?.base, dbeta?.base,
            rows,
            columns)
        return dx
    }

    /// Mean and 1 / √(variance + ε) of each row, in double.
    var moments: [(mean: Double, rstd: Double)] {
        (0..<rows).map { row in
            let values = (0..<columns).map { x[row * columns + $0] }
            let mean = values.reduce(0, +) / Double(columns)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
            return (mean, 1 / (variance + epsilon).squareRoot())
        }
    }

    var expected: [Double] {
        let moments = moments
        return (0..<x.count).map { index in
            let (mean, rstd) = moments[index / columns]
            return (x[index] - mean) * rstd * (gamma?[index % columns] ?? 1) + (beta?[index % columns] ?? 0)
        }
    }
}

final class LayerNormTests: XCTestCase {
    func testForwardAgreesWithDouble() {
        var source = SplitMix(60)
        for type in ck_dtype.floating {
            for columns in [1, 3, 64, 77, 320, 1280, 3000] {
                let x = Elements(type, source.values(4 * columns, in: -2...3))
                let gamma = Elements(type, source.values(columns, in: 0.5...1.5))
                let beta = Elements(type, source.values(columns, in: -1...1))
                for (gamma, beta) in [(gamma, beta), (nil, nil), (gamma, nil), (nil, beta)] {
                    let norm = LayerNorm(x, gamma, beta, rows: 4)
                    let tolerance = type == ck_f64 ? 1e-12 : 2e-6 + (type == ck_f32 ? 0 : type.roundoff)
                    assertClose(
                        norm.y.doubles, norm.expected, absolute: tolerance, relative: tolerance,
                        "type \(type.rawValue), columns \(columns)")
                    let saved = type == ck_f64 ? 1e-14 : 2e-7
                    assertClose(norm.mean.doubles, norm.moments.map(\.mean), absolute: saved, relative: saved)
                    assertClose(
                        norm.rstd.doubles, norm.moments.map(\.rstd), relative: type == ck_f64 ? 1e-12 : 1e-6)
                }
            }
        }
    }

    /// A mean a hundred thousand times the spread costs no more than its own rounding to float.
    func testLargeMeanKeepsTheVariance() {
        var source = SplitMix(61)
        for columns in [128, 1280, 100_000] {
            let x = Elements(ck_f32, source.values(columns, in: 99_999...100_001))
            let norm = LayerNorm(x, nil, nil, rows: 1)
            assertClose(norm.mean.doubles, norm.moments.map(\.mean), relative: 0x1p-24)
            assertClose(norm.rstd.doubles, norm.moments.map(\.rstd), relative: 1e-6)
        }
    }

    func testAdjointAgreesWithCentralDifferences() {
        var source = SplitMix(62)
        let (rows, columns) = (5, 11)
        let x = source.values(rows * columns, in: -2...2)
        let gamma = source.values(columns, in: 0.5...1.5)
        let beta = source.values(columns, in: -1...1)
        let dy = Elements(ck_f64, source.values(rows * columns, in: -1...1))
        let loss = { (x: [Double], gamma: [Double], beta: [Double]) -> Double in
            let (scale, shift) = (Elements(ck_f64, gamma), Elements(ck_f64, beta))
            let norm = LayerNorm(Elements(ck_f64, x), scale, shift, rows: rows)
            return ck_dot(ck_f64, norm.y.base, dy.base, dy.count)
        }
        let norm = LayerNorm(Elements(ck_f64, x), Elements(ck_f64, gamma), Elements(ck_f64, beta), rows: rows)
        let dgamma = Elements(ck_f64, Array(repeating: 10, count: columns))
        let dbeta = Elements(ck_f64, Array(repeating: -10, count: columns))
        let dx = norm.adjoint(dy, dgamma: dgamma, dbeta: dbeta)
        assertClose(dx.doubles, centralDifferences(x) { loss($0, gamma, beta) }, absolute: 1e-8)
        // The sums add to what was there.
        assertClose(
            dgamma.doubles.map { $0 - 10 }, centralDifferences(gamma) { loss(x, $0, beta) }, absolute: 1e-8)
        assertClose(
            dbeta.doubles.map { $0 + 10 }, centralDifferences(beta) { loss(x, gamma, $0) }, absolute: 1e-8)
    }

    func testAdjointInEveryPrecisionAgreesWithDouble() {
        var source = SplitMix(63)
        for type in [ck_f32, ck_bf16, ck_f16] {
            for (rows, columns) in [(1, 5), (100, 320), (33, 77)] {
                let x = Elements(type, source.values(rows * columns, in: -2...3))
                let gamma = Elements(type, source.values(columns, in: 0.5...1.5))
                let dy = Elements(type, source.values(rows * columns, in: -1...1))
                let zeros = Array(repeating: 0.0, count: columns)
                let sums = [ck_f32, ck_f32, ck_f64, ck_f64].map { Elements($0, zeros) }
                let dx = LayerNorm(x, gamma, nil, rows: rows).adjoint(dy, dgamma: sums[0], dbeta: sums[1])
                let double = LayerNorm(
                    Elements(ck_f64, x.doubles), Elements(ck_f64, gamma.doubles), nil, rows: rows)
                let expected = double.adjoint(Elements(ck_f64, dy.doubles), dgamma: sums[2], dbeta: sums[3])
                let tolerance = 3e-6 + (type == ck_f32 ? 0 : type.roundoff)
                assertClose(dx.doubles, expected.doubles, absolute: tolerance, relative: tolerance)
                assertClose(sums[0].doubles, sums[2].doubles, absolute: 1e-5, relative: 1e-6)
                assertClose(sums[1].doubles, sums[3].doubles, absolute: 1e-5, relative: 1e-6)
                let skipped = LayerNorm(x, gamma, nil, rows: rows).adjoint(dy, dgamma: nil, dbeta: nil)
                XCTAssertEqual(skipped.bytes, dx.bytes)
            }
        }
    }

    func testManyRowsSumAccurately() {
        let (rows, columns) = (100_000, 2)
        let x = Elements(ck_f32, (0..<rows * columns).map { $0 % 2 == 0 ? 1 : -1 })
        let dy = Elements(ck_f32, Array(repeating: 0.1, count: rows * columns))
        let dbeta = Elements(ck_f32, [0, 0])
        _ = LayerNorm(x, nil, nil, rows: rows).adjoint(dy, dgamma: nil, dbeta: dbeta)
        assertClose(dbeta.doubles, [Double(rows) * dy[0], Double(rows) * dy[0]], relative: 5e-7)
    }
}
