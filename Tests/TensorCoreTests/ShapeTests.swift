import TensorCore
import XCTest

final class ShapeTests: XCTestCase {
    func testCountsAndStrides() {
        XCTAssertEqual(Shape([2, 3, 4]).elementCount, 24)
        XCTAssertEqual(Shape([2, 3, 4]).strides, [12, 4, 1])
        XCTAssertEqual(Shape([]).elementCount, 1)
        XCTAssertEqual(Shape([]).strides, [])
        XCTAssertEqual(Shape([3, 0, 2]).elementCount, 0)
        XCTAssertEqual(Shape([5]).strides, [1])
        XCTAssertEqual(Shape([2, 3]).description, "[2, 3]")
    }

    func testAxesCountFromBothEnds() {
        let shape: Shape = [2, 3, 4]
        XCTAssertEqual((0..<3).map { shape[$0] }, [2, 3, 4])
        XCTAssertEqual((-3..<0).map { shape[$0] }, [2, 3, 4])
        XCTAssertEqual(shape.last, 4)
        XCTAssertEqual(Shape([]).last, 1)
    }

    func testSplitsReplacesAndRemovesAxes() {
        let shape: Shape = [2, 3, 4, 5]
        XCTAssertTrue(shape.split(at: 0) == (1, 2, 60))
        XCTAssertTrue(shape.split(at: 2) == (6, 4, 5))
        XCTAssertTrue(shape.split(at: -1) == (24, 5, 1))
        XCTAssertEqual(shape.replacing(axis: -2, with: 7), [2, 3, 7, 5])
        XCTAssertEqual(shape.removing(axis: 1), [2, 4, 5])
    }

    func testBroadcasting() {
        let cases: [(Shape, Shape, Shape?)] = [
            ([2, 3], [2, 3], [2, 3]), ([2, 3], [3], [2, 3]), ([2, 3], [], [2, 3]), ([], [], []),
            ([2, 1], [1, 3], [2, 3]), ([4, 1, 3], [2, 1], [4, 2, 3]), ([1], [5], [5]), ([0], [1], [0]),
            ([2, 0], [1], [2, 0]), ([2, 3], [2], nil), ([0], [2], nil), ([2, 3], [3, 2], nil),
        ]
        for (a, b, expected) in cases {
            XCTAssertEqual(Shape.broadcast(a, b), expected, "\(a) with \(b)")
            XCTAssertEqual(Shape.broadcast(b, a), expected, "\(b) with \(a)")
        }
    }
}
