import Checkpoints
import Foundation
import XCTest

final class ResumePolicyTests: RunDirectoryTestCase {
    func testArguments() {
        XCTAssertEqual(ResumePolicy(argument: "latest"), .latest)
        XCTAssertEqual(ResumePolicy(argument: "auto"), .auto)
        XCTAssertEqual(ResumePolicy(argument: "runs/a"), .directory("runs/a"))
    }

    func testNothingThere() throws {
        XCTAssertNil(try store.resumption(.auto).checkpoint)
        for policy in [ResumePolicy.latest, .directory(runDirectory + "/checkpoint-3")] {
            XCTAssertThrowsError(try store.resumption(policy)) {
                XCTAssertEqual(($0 as? CheckpointError)?.category, .missing)
            }
        }
    }

    func testNewestWholeOne() throws {
        for step in 1...3 { try save(step) }
        try damage(3)
        for policy in [ResumePolicy.latest, .auto, .directory(runDirectory)] {
            let resumption = try store.resumption(policy)
            XCTAssertEqual(resumption.checkpoint?.step, 2)
            XCTAssertEqual(
                resumption.notices.map(\.description),
                [
                    "refused damaged checkpoint \(store.directory(ofStep: 3)): "
                        + "state.h5 does not match its digest"
                ])
        }
        XCTAssertEqual(try store.resumption(.directory(store.directory(ofStep: 1))).checkpoint?.step, 1)
    }

    /// A named checkpoint that is damaged is an error, not a reason to take another.
    func testNamedCheckpointIsNotReplacedByAnother() throws {
        for step in 1...3 { try save(step) }
        try damage(3)
        XCTAssertThrowsError(try store.resumption(.directory(store.directory(ofStep: 3)))) {
            XCTAssertEqual(($0 as? CheckpointError)?.category, .corrupt)
        }
    }

    func testAllDamagedNeverStartsFromTheBeginning() throws {
        for step in 1...2 {
            try save(step)
            try damage(step)
        }
        for policy in [ResumePolicy.latest, .auto] {
            XCTAssertThrowsError(try store.resumption(policy)) {
                XCTAssertEqual(($0 as? CheckpointError)?.category, .corrupt)
                XCTAssertTrue("\($0)".hasPrefix("none of the 2 checkpoints in \(runDirectory) is whole"))
            }
        }
    }
}
