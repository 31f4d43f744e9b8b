import TensorCore
import TestSupport
import XCTest

final class PositiveDefiniteSystemTests: XCTestCase {
    func testSolution() throws {
        let matrix: [Double] = [4, 1, 0.5, 1, 3, -0.25, 0.5, -0.25, 2]
        let solution: [Double] = [1, -2, 0.5, 3, -1, 4]
        var right = [Double](repeating: 0, count: 6)
        for i in 0..<3 {
            for j in 0..<2 {
                right[i * 2 + j] = (0..<3).reduce(0) { $0 + matrix[i * 3 + $1] * solution[$1 * 2 + j] }
            }
        }
        let found = try XCTUnwrap(solvePositiveDefinite(matrix, right, order: 3))
        assertClose(found, solution, absolute: 1e-12, relative: 1e-12)
    }

    func testNotPositiveDefinite() {
        XCTAssertNil(solvePositiveDefinite([1, 2, 2, 1], [1, 1], order: 2))
    }
}
