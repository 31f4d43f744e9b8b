import Checkpoints
import Foundation
import XCTest

final class HDF5ImageTests: XCTestCase {
    func testEveryKindOfValueKeepsItsBits() throws {
        let tree = Fixtures.everyKind()
        let decoded = try HDF5Image.decode(HDF5Image.encode(tree))
        XCTAssertEqual(decoded.paths, tree.paths)
        for path in tree.paths { XCTAssertEqual(decoded[path], tree[path], path) }
    }

    func testMany() throws {
        var t = StateTree()
        for i in 0..<700 { for g in ["m","v","p"] { t["\(g)/blocks.attentions.transformer.0.\(i)"] = .array(StateArray([Float(i)])) } }
        let a = Date(); let im = try HDF5Image.encode(t); let b = Date(); XCTAssertEqual(try HDF5Image.decode(im), t)
        print(im.count, b.timeIntervalSince(a), Date().timeIntervalSince(b))
        try Data(im).write(to: URL(fileURLWithPath: "/tmp/ck/many.h5"))
    }

    func testFuzz() throws {
        let image = try HDF5Image.encode(Fixtures.everyKind())
        print(image.count)
        var random = SplitMix(state: 3)
        var refused = 0, same = 0, other = 0
        let tree = Fixtures.everyKind()
        for _ in 0..<3000 {
            var damaged = image
            for _ in 0..<Int.random(in: 1...3, using: &random) {
            damaged[Int.random(in: 0..<image.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            do { if try HDF5Image.decode(damaged) == tree { same += 1 } else { other += 1 } } catch { refused += 1 }
        }
        print(refused, same, other)
    }
}
