import Checkpoints
import TensorCore
import XCTest

final class StateTreeTests: XCTestCase {
    func testPathsAreOrderedByTheirBytes() {
        var tree = StateTree()
        for path in ["b", "a/z", "a.b", "ä", "a/b/c", "Z"] { tree[path] = .integer(0) }
        XCTAssertEqual(tree.paths, ["Z", "a.b", "a/b/c", "a/z", "b", "ä"])
        tree["b"] = nil
        XCTAssertEqual(tree.count, 5)
    }

    func testObjectionsToPaths() {
        var tree = StateTree()
        tree["a/b"] = .integer(0)
        XCTAssertNil(tree.objection(to: "a/c"))
        XCTAssertNil(tree.objection(to: "a/b"))
        XCTAssertEqual(tree.objection(to: "a"), "is already a group of other values")
        XCTAssertEqual(tree.objection(to: "a/b/c/d"), "lies below 'a/b', which is already a value")
        for path in ["", "/a", "a/", "a//b"] {
            XCTAssertEqual(tree.objection(to: path), "has an empty component", path)
        }
        XCTAssertEqual(tree.objection(to: "a/../b"), "has a component '.' or '..'")
        XCTAssertEqual(tree.objection(to: "a\0"), "contains a NUL byte")
        tree["a/b"] = nil
        XCTAssertNil(tree.objection(to: "a"))
    }

    func testSubtreesGoInAndOut() {
        let state = Fixtures.runState(step: 2)
        var tree = StateTree()
        tree["other"] = .flag(true)
        tree.insert(state, at: "nested/deep")
        XCTAssertEqual(tree.subtree("nested/deep"), state)
        XCTAssertEqual(tree.subtree("nested").subtree("deep"), state)
        XCTAssertEqual(tree.subtree("nest"), StateTree())
    }

    func testTypedAccess() throws {
        let tree = Fixtures.runState(step: 2)
        XCTAssertEqual(try tree.integer("run/step"), 2)
        XCTAssertEqual(try tree.text("run/kind"), "product")
        XCTAssertEqual(try tree.elements("duals/multipliers", as: Double.self), [0.25, 2])
        XCTAssertEqual(try tree.array("model/blocks.0.weight", type: .f32, shape: [6, 8]).count, 48)
    }

    func testErrorsNamePathExpectedAndFound() {
        let tree = Fixtures.runState(step: 2)
        let end = "; the checkpoint belongs to another configuration"
        assertMessage("state has no 'run/seed' (expected integer)" + end) { try tree.integer("run/seed") }
        assertMessage("state 'run/step': expected real, found integer" + end) { try tree.real("run/step") }
        assertMessage("state 'run/step': expected flag, found integer" + end) { try tree.flag("run/step") }
        assertMessage("state 'duals/multipliers': expected f32 array, found f64 array [2]" + end) {
            try tree.elements("duals/multipliers", as: Float.self)
        }
        assertMessage("state 'model/blocks.0.weight': expected f32 array [48], found f32 array [6, 8]" + end)
        {
            try tree.elements("model/blocks.0.weight", as: Float.self, shape: [48])
        }
    }

    func testEqualityIsThatOfBits() {
        XCTAssertEqual(StateValue.real(.nan), .real(.nan))
        XCTAssertNotEqual(StateValue.real(0), .real(-0.0))
        XCTAssertNotEqual(StateValue.integer(1), .array(StateArray([Int64(1)], shape: [])))
        XCTAssertNotEqual(StateValue.real(1), .array(StateArray([1.0], shape: [])))
        XCTAssertNotEqual(
            StateValue.array(StateArray([1.0, 2.0], shape: [2, 1])),
            .array(StateArray([1.0, 2.0], shape: [1, 2])))
    }

    func testElementTypesCoverTensorTypes() {
        for dtype in DType.allCases {
            let type = ElementType(dtype)
            XCTAssertEqual(type?.byteWidth, dtype.byteWidth)
            XCTAssertEqual(type?.dtype, dtype)
        }
        XCTAssertNil(ElementType.i64.dtype)
    }

    func testByteCountsDoNotOverflow() {
        XCTAssertEqual(StateArray.byteCount(type: .f64, shape: []), 8)
        XCTAssertEqual(StateArray.byteCount(type: .f64, shape: [3, 0, 5]), 0)
        XCTAssertNil(StateArray.byteCount(type: .f32, shape: [1 << 40, 1 << 40]))
        XCTAssertNil(StateArray.byteCount(type: .u8, shape: [-1]))
        XCTAssertNil(StateArray.byteCount(type: .f64, shape: [Int.max]))
    }

    private func assertMessage<Value>(
        _ expected: String, line: UInt = #line, _ body: () throws -> Value
    ) {
        XCTAssertThrowsError(try body(), line: line) { XCTAssertEqual("\($0)", expected, line: line) }
    }
}
