import ConstrainedLearning
import XCTest

final class SimplexProjectionTests: XCTestCase {
    func testKnownPoints() {
        assertClose(projectionOntoSimplex([0.2, 0.3, 0.5]), [0.2, 0.3, 0.5], absolute: 1e-15)
        assertClose(projectionOntoSimplex([2, 0]), [1, 0])
        assertClose(projectionOntoSimplex([1, 1, 1]), [1.0 / 3, 1.0 / 3, 1.0 / 3], absolute: 1e-15)
        assertClose(projectionOntoSimplex([0.7, 0.7, -3]), [0.5, 0.5, 0], absolute: 1e-15)
        assertClose(projectionOntoSimplex([-5]), [1])
    }

    /// τ by bisection on Σ[yᵢ − τ]₊ = 1 is another algorithm with the same answer.
    func testAgainstBisection() {
        var noise = Noise(seed: 3)
        for trial in 0..<400 {
            let size = [1e-12, 1e-3, 1, 1e3, 1e8][trial % 5]
            let point = noise.normals(1 + trial % 16).map { $0 * size }
            let largest = point.reduce(-Double.infinity, max)
            var (low, high) = (-1.0, 0.0)
            for _ in 0..<200 {
                let middle = 0.5 * (low + high)
                let sum = point.reduce(0) { $0 + max($1 - largest - middle, 0) }
                if sum > 1 { low = middle } else { high = middle }
            }
            let reference = point.map { max($0 - largest - high, 0) }
            assertClose(projectionOntoSimplex(point), reference, absolute: 1e-14, "trial \(trial)")
        }
    }

    /// x is the projection iff (y − x)ᵀ(z − x) ≤ 0 for every vertex z.
    func testOptimalityConditions() {
        var noise = Noise(seed: 4)
        for trial in 0..<400 {
            let size = [1e-9, 1, 1e6][trial % 3]
            var point = noise.normals(2 + trial % 9).map { $0 * size }
            // Ties, among the largest and elsewhere.
            if trial % 4 == 0 { point[1] = point[0] }
            if trial % 8 == 0 { point = point.map { ($0 / size).rounded() * size } }
            let projection = projectionOntoSimplex(point)
            XCTAssertEqual(projection.reduce(0, +), 1, accuracy: 1e-14)
            XCTAssertTrue(projection.allSatisfy { $0 >= 0 })
            let pull = zip(point, projection).map { $0 - $1 }
            let here = inner(pull, projection)
            for vertex in pull.indices {
                XCTAssertLessThanOrEqual(pull[vertex] - here, 1e-12 * max(1, size), "trial \(trial)")
            }
        }
    }

    func testOrderAndShiftDoNotMatter() {
        let point = [0.3, -0.2, 0.9, 0.9]
        let projection = projectionOntoSimplex(point)
        assertClose(projectionOntoSimplex(point.reversed()), projection.reversed())
        assertClose(projectionOntoSimplex(point.map { $0 + 1024 }), projection, absolute: 1e-12)
    }
}
