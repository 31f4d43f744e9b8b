import ConstrainedLearning
import XCTest

final class AlgebraTests: XCTestCase {
    private func randomMatrix(_ order: Int, _ noise: inout Noise) -> SquareMatrix {
        var matrix = SquareMatrix(zerosOfOrder: order)
        for i in 0..<order {
            for j in 0...i {
                matrix[i, j] = noise.normal()
                matrix[j, i] = matrix[i, j]
            }
        }
        return matrix
    }

    /// Mᵀ of order n times itself plus a small multiple of the identity.
    private func positiveMatrix(_ order: Int, shift: Double, _ noise: inout Noise) -> SquareMatrix {
        let factor = randomMatrix(order, &noise)
        var matrix = SquareMatrix(diagonal: [Double](repeating: shift, count: order))
        for i in 0..<order {
            for j in 0..<order {
                for k in 0..<order { matrix[i, j] += factor[i, k] * factor[k, j] }
            }
        }
        return matrix
    }

    func testEigenvaluesOfAKnownMatrix() {
        let eigen = SymmetricEigen(SquareMatrix(order: 2, values: [2, 1, 1, 2]))
        assertClose(eigen.values.sorted(), [1, 3], absolute: 1e-15)
    }

    func testEigenvectorsAreOrthonormalAndRebuildTheMatrix() {
        var noise = Noise(seed: 5)
        for order in 1...16 {
            for size in [1e-12, 1, 1e12] {
                let matrix = randomMatrix(order, &noise)
                let scaled = SquareMatrix(order: order, values: matrix.values.map { $0 * size })
                let eigen = SymmetricEigen(scaled)
                assertClose(
                    eigen.rebuilt { $0 }.values, scaled.values, absolute: 1e-13 * size, "order \(order)")
                let identity = SquareMatrix(diagonal: [Double](repeating: 1, count: order))
                assertClose(eigen.rebuilt { _ in 1 }.values, identity.values, absolute: 1e-13)
            }
        }
    }

    func testCholeskySolve() {
        var noise = Noise(seed: 6)
        for order in 1...16 {
            let matrix = positiveMatrix(order, shift: 0.1, &noise)
            let solution = noise.normals(order)
            let found = CholeskyFactor(matrix).solve(matrix.times(solution))
            assertClose(found, solution, absolute: 1e-9, "order \(order)")
        }
    }

    /// The maximiser satisfies the conditions of the box program: r = g − Hd − ν pulls outward at bounds
    /// only.
    func testBoxProgramOptimality() {
        var noise = Noise(seed: 7)
        for trial in 0..<600 {
            let order = 1 + trial % 12
            let keepsSum = trial % 2 == 0
            let curvature = positiveMatrix(order, shift: [1e-6, 1e-2, 1][trial % 3], &noise)
            let gradient = noise.normals(order).map { 3 * $0 }
            // Some components stand at a bound to begin with.
            let lower = (0..<order).map { _ in noise.uniform() < 0.3 ? 0 : -noise.uniform() }
            let upper = (0..<order).map { _ in noise.uniform() < 0.2 ? 0 : noise.uniform() }
            let point = BoxQuadraticProgram(
                gradient: gradient, curvature: curvature, lower: lower, upper: upper, keepsSum: keepsSum
            ).maximizer()

            let residual = zip(gradient, curvature.times(point)).map { $0 - $1 }
            let rising = point.indices.filter { point[$0] < upper[$0] }.map { residual[$0] }
            let falling = point.indices.filter { point[$0] > lower[$0] }.map { residual[$0] }
            // With the sum kept a price ν must separate the two; without, ν = 0 must.
            let highest = rising.reduce(-Double.infinity, max)
            let lowest = falling.reduce(Double.infinity, min)
            if keepsSum {
                XCTAssertEqual(point.reduce(0, +), 0, accuracy: 1e-12)
                XCTAssertLessThanOrEqual(highest, lowest + 1e-7, "trial \(trial)")
            } else {
                XCTAssertLessThanOrEqual(highest, 1e-7, "trial \(trial)")
                XCTAssertGreaterThanOrEqual(lowest, -1e-7, "trial \(trial)")
            }
            for i in point.indices {
                XCTAssertTrue(point[i] >= lower[i] - 1e-15 && point[i] <= upper[i] + 1e-15, "trial \(trial)")
            }
        }
    }

    func testBoxProgramByHand() {
        let curvature = SquareMatrix(diagonal: [1, 1])
        func maximizer(_ gradient: [Double], keepsSum: Bool) -> [Double] {
            BoxQuadraticProgram(
                gradient: gradient, curvature: curvature, lower: [-1, -1], upper: [1, 1], keepsSum: keepsSum
            ).maximizer()
        }
        assertClose(maximizer([0.5, -3], keepsSum: false), [0.5, -1], absolute: 1e-15)
        assertClose(maximizer([1, 0], keepsSum: true), [0.5, -0.5], absolute: 1e-15)
        assertClose(maximizer([9, 0], keepsSum: true), [1, -1], absolute: 1e-15)
        assertClose(maximizer([0, 0], keepsSum: true), [0, 0])
    }
}
