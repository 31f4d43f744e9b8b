import Diffusion
import Foundation
import TensorCore
import XCTest

/// Reference: diffusers' own DDIMScheduler in double precision (`Fixtures/make_schedulers.py`).
final class SchedulerTests: XCTestCase {
    private struct Document: Decodable {
        let diffusers: String
        let cases: [Case]
    }

    private struct Case: Decodable {
        let name: String
        let configuration: SchedulerConfiguration
        let timesteps: [String: [Int]]
        let digests: [Int]
        let alphasCumprod: [String: Double]
        let steppings: [Stepping]
    }

    private struct Stepping: Decodable {
        let count: Int
        let eta: Double
        let outputs: [[Double]]
        let noises: [[Double]]
        let states: [[Double]]
    }

    private func cases() throws -> [Case] {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/schedulers.json")
        let document = try JSONDecoder().decode(Document.self, from: Data(contentsOf: file))
        XCTAssertTrue(document.diffusers.hasPrefix("0.42"), "regenerate with Fixtures/make_schedulers.py")
        XCTAssertEqual(document.cases.count, 6)
        return document.cases
    }

    func testTimestepsEqualDiffusers() throws {
        for reference in try cases() {
            for (count, timesteps) in reference.timesteps {
                XCTAssertEqual(
                    try reference.configuration.timesteps(count: XCTUnwrap(Int(count))), timesteps,
                    "\(reference.name), \(count) steps")
            }
        }
    }

    func testTimestepsOfEveryCountEqualDiffusers() throws {
        for reference in try cases() {
            for (index, digest) in reference.digests.enumerated() {
                // diffusers itself yields timesteps past the schedule here; Saddle refuses.
                let leavesSchedule =
                    reference.configuration.timestepSpacing == .leading
                    && index * (reference.digests.count / (index + 1)) + reference.configuration.stepsOffset
                        >= reference.digests.count
                guard !leavesSchedule else {
                    XCTAssertThrowsError(try reference.configuration.timesteps(count: index + 1))
                    continue
                }
                let timesteps = try reference.configuration.timesteps(count: index + 1)
                let sum = timesteps.enumerated().map { ($0 + 1) * $1 }.reduce(0, +)
                XCTAssertEqual(sum % 1_000_003, digest, "\(reference.name), \(index + 1) steps")
            }
        }
    }

    func testAlphasEqualDiffusers() throws {
        for reference in try cases() {
            let schedule = try reference.configuration.schedule()
            let timesteps = try reference.alphasCumprod.keys.map { try XCTUnwrap(Int($0)) }.sorted()
            // Products of up to 1000 factors, each rounded: 1000 · 1.1e-16.
            assertClose(
                timesteps.map { schedule.alphaCumprod(at: $0) },
                timesteps.compactMap { reference.alphasCumprod[String($0)] }, rtol: 2e-13, atol: 1e-30,
                reference.name)
        }
    }

    func testStepsEqualDiffusers() throws {
        for reference in try cases() {
            for stepping in reference.steppings {
                let steps = try reference.configuration.steps(count: stepping.count, eta: stepping.eta)
                var step = 0
                let trajectory = try ddimTrajectory(
                    from: Tensor(stepping.states[0], shape: [1, 3]),
                    schedule: reference.configuration.schedule(), steps: steps,
                    prediction: reference.configuration.prediction,
                    network: { _, timesteps in
                        XCTAssertEqual(timesteps, .all(steps[step].timestep))
                        defer { step += 1 }
                        return Tensor(stepping.outputs[step], shape: [1, 3])
                    },
                    noise: { Tensor(stepping.noises[$0], shape: [1, 3]) })
                assertClose(
                    trajectory.states.flatMap(\.doubles), stepping.states.flatMap { $0 }, rtol: 1e-11,
                    atol: 1e-11, "\(reference.name), eta \(stepping.eta)")
            }
        }
    }

    func testDefaultsAndRoundTrip() throws {
        let defaults = try JSONDecoder().decode(SchedulerConfiguration.self, from: Data("{}".utf8))
        XCTAssertEqual(defaults, SchedulerConfiguration())
        XCTAssertEqual(defaults.prediction, Prediction(type: .epsilon, clipRange: 1))

        var other = SchedulerConfiguration()
        other.betaSchedule = .cosine
        other.predictionType = .velocity
        other.timestepSpacing = .trailing
        other.clipSample = false
        other.trainSteps = 4
        let copy = try JSONDecoder().decode(
            SchedulerConfiguration.self, from: JSONEncoder().encode(other))
        XCTAssertEqual(copy, other)
        XCTAssertEqual(copy.prediction, Prediction(type: .velocity))
        XCTAssertEqual(
            try JSONDecoder().decode([BetaSchedule].self, from: Data(#"["cosine"]"#.utf8)), [.cosine])
    }

    func testErrorsNameTheKey() throws {
        func message(_ text: String) throws -> String {
            do {
                let decoded = try JSONDecoder().decode(SchedulerConfiguration.self, from: Data(text.utf8))
                try decoded.validate()
            } catch let error as DiffusionError {
                return error.description
            } catch DecodingError.dataCorrupted(let context) {
                return "\(context.codingPath.map(\.stringValue)): \(context.debugDescription)"
            }
            return "no error"
        }
        XCTAssertEqual(
            try message(#"{"beta_schedule": "quadratic"}"#),
            "[\"beta_schedule\"]: unknown schedule \"quadratic\"; known: linear, scaled_linear,"
                + " squaredcos_cap_v2, cosine")
        XCTAssertEqual(
            try message(#"{"beta_start": 0, "beta_end": 1.5, "thresholding": true, "steps_offset": -1}"#),
            "noise schedule: beta_start is 0.0, must lie between 0 and 1; beta_end is 1.5, must lie between 0 and"
                + " 1; steps_offset is -1, must lie in 0..<num_train_timesteps; thresholding is not supported; set"
                + " it to false")
        XCTAssertEqual(
            try message(#"{"num_train_timesteps": 2000000000, "steps_offset": 2000000000}"#),
            "noise schedule: num_train_timesteps is 2000000000, must lie in 1...1048576; steps_offset is"
                + " 2000000000, must lie in 0..<num_train_timesteps")
        XCTAssertEqual(
            try message(#"{"trained_betas": [0.1], "num_train_timesteps": 2}"#),
            "noise schedule: trained_betas has 1 values, num_train_timesteps is 2")
        XCTAssertEqual(try message("{}"), "no error")
    }

    func testStepCountErrors() {
        var configuration = SchedulerConfiguration()
        for count in [0, -3, 1001] {
            XCTAssertThrowsError(try configuration.timesteps(count: count)) {
                XCTAssertEqual($0 as? DiffusionError, .stepCount(requested: count, trainSteps: 1000))
            }
        }
        configuration.stepsOffset = 1
        XCTAssertThrowsError(try configuration.timesteps(count: 1000)) {
            XCTAssertEqual($0 as? DiffusionError, .timestepOutOfRange(timestep: 1000, trainSteps: 1000))
        }
    }

    func testScheduleErrors() {
        for betas in [[], [0.1, 0], [1, 0.5], [0.5, 1.1], [0.1, .nan], [-0.1]] {
            XCTAssertThrowsError(try NoiseSchedule(betas: betas), "\(betas)")
        }
        XCTAssertNoThrow(try NoiseSchedule(betas: [0.5, 1]))
        XCTAssertThrowsError(try NoiseSchedule(noiseToSignal: 0...1, levels: 10))
        XCTAssertThrowsError(try NoiseSchedule(noiseToSignal: 0.1...1, levels: 1))
        XCTAssertThrowsError(try NoiseSchedule(betas: [0.5]).rescaledToZeroTerminalSNR())
    }

    func testLevelsInLogNoise() throws {
        let schedule = try NoiseSchedule(noiseToSignal: 0.01...100, levels: 5)
        assertClose((0..<5).map(schedule.noiseToSignal), [0.01, 0.1, 1, 10, 100], rtol: 1e-9)
    }
}
