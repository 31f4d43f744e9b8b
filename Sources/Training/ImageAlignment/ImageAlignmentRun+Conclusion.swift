import Checkpoints
import ConstrainedLearning
import Diffusion
import Foundation
import Models
import Telemetry
import TensorCore
import WeightFiles

extension ImageAlignmentRun {
    /// Settles the adapter at the average multipliers, measures it, and writes all that the run leaves.
    ///
    /// - Throws: `Interruption` if the run was asked to stop; what has been done is then saved.
    func conclude(_ result: PrimalDualResult) throws {
        var progress = ImageConclusion(iterations: result.iterations)
        if let tree = session.resumed, tree["conclusion/iterations"] != nil {
            try progress.restore(from: tree, problem)
        }
        try settle(result.multipliers, &progress)
        let (record, aligned) = try evaluation(&progress)
        let summary = summary(result, aligned)
        try session.communicator.failTogether(exitCode: exitCode(for:)) {
            guard session.isRoot else { return }
            try DurableFile.replace("\(session.directory)/\(Self.adapterName)", Array(adapterFile()))
            try createDirectory(URL(fileURLWithPath: "\(session.directory)/images"))
        }
        try writePictures()
        try session.write(
            "baselines.json", ["base": ["rewards": record.trained.base.rewards]].sortedJSON())
        try session.write(ImageEvaluation.fileName, record.sortedJSON(.prettyPrinted))
        try session.write("summary.json", summary.json())
        session.console.write(record.table(summary))
        if let share = session.communicationShare {
            let percent = String(format: "%.1f", 100 * share)
            session.console.write("MPI         \(percent) % of the time, waits for other ranks included")
        }
        if let peak = ResidentMemory.peak, let expectedMemory {
            session.console.write("memory      \(size(peak)) at the peak, \(size(expectedMemory)) expected")
        }
    }

    /// The aligned model and the base on the same latents.
    private func evaluation(
        _ progress: inout ImageConclusion
    ) throws -> (record: ImageEvaluation, aligned: ImageMeasurement) {
        let samples = configuration.evaluation.samples
        let aligned = try measured(.trained, prompts, samples, withAdapter: true, "measuring", &progress)
        let base = try measured(
            .trained, prompts, samples, withAdapter: false, "measuring the base", &progress)
        var record = ImageEvaluation(
            names: problem.constraints.map(\.name),
            trained: .init(aligned: aligned, base: base, problem.constraints))
        if let heldOut {
            let samples = configuration.evaluation.heldOutSamples
            record.heldOut = .init(
                aligned: try measured(
                    .heldOut, heldOut, samples, withAdapter: true, "held-out prompts", &progress),
                base: try measured(
                    .heldOut, heldOut, samples, withAdapter: false, "held-out prompts, base", &progress),
                problem.constraints)
        }
        return (record, aligned)
    }

    private func measured(
        _ population: ImagePopulation, _ prompts: PromptTable, _ samples: Int, withAdapter: Bool,
        _ label: String, _ progress: inout ImageConclusion
    ) throws -> ImageMeasurement {
        let before = progress
        return try measured(
            population, prompts, samples, withAdapter: withAdapter, label, &progress.measurements
        ) { measurements in
            var now = before
            now.measurements = measurements
            try save(now)
        }
    }

    private func summary(_ result: PrimalDualResult, _ aligned: ImageMeasurement) -> Summary {
        let final = measurement(aligned, result.multipliers)
        let k = configuration.objective.klCoefficient
        return Summary(
            kind: configuration.kind.rawValue, status: result.status.rawValue,
            iterations: result.iterations, names: problem.constraints.map(\.name),
            multipliers: result.multipliers.map { $0 / k },
            lastMultipliers: result.lastMultipliers.map { $0 / k }, violations: final.violations,
            rewards: final.measures, thresholds: problem.constraints.map(\.threshold), divergences: nil,
            bound: nil, objective: aligned.divergence, dualValue: final.dualValue / k,
            gap: (final.objective - final.dualValue) / k, seconds: session.seconds,
            ranks: session.communicator.size)
    }

    /// Brings the adapter to rest at multipliers that no longer change, at a learning rate that falls to 0.
    private func settle(_ multipliers: [Double], _ progress: inout ImageConclusion) throws {
        let updates = configuration.training.settling
        let bar = SharedProgress(
            label: "settling", total: max(0, updates - progress.settled), console: session.console)
        defer { bar.finish() }
        while progress.settled < updates {
            let share = 1 - Double(progress.settled) / Double(updates)
            try problem.update(multipliers: multipliers, share: share)
            progress.settled += 1
            bar.advance()
            try session.stopIfAsked { try save(progress) }
        }
    }

    private func save(_ progress: ImageConclusion) throws {
        var tree = StateTree()
        progress.save(to: &tree, problem)
        try session.save(
            step: progress.settled + progress.measurements.samples, tree,
            in: .conclusion(iterations: progress.iterations))
    }

    /// The grid of pictures before and after, and each of them as a file; made on rank 0.
    private func writePictures() throws {
        let files = try session.communicator.failTogether(exitCode: exitCode(for:)) {
            session.isRoot ? try pictureFiles() : [:]
        }
        try session.communicator.failTogether(exitCode: exitCode(for:)) {
            for (name, data) in files {
                try DurableFile.replace("\(session.directory)/\(name)", Array(data))
            }
        }
    }

    private func pictureFiles() throws -> [String: Data] {
        var files: [String: Data] = [:]
        var rows: [[PNGImage]] = []
        var captions: [String] = []
        let tables: [(PromptTable, ImagePopulation)] =
            [(prompts, .trained)] + (heldOut.map { [($0, .heldOut)] } ?? [])
        for (table, population) in tables {
            for (caption, isAligned) in [("base", false), ("aligned", true)] {
                let pictures = try pictures(population, table, withAdapter: isAligned)
                for (index, picture) in pictures.enumerated() {
                    let name = AlignmentPictures.fileName(
                        isHeldOut: population == .heldOut, isAligned: isAligned, index)
                    files[name] = try picture.encoded()
                }
                rows.append(pictures)
                captions.append(caption)
            }
        }
        var grid = ImageGrid(rows: rows)
        grid.rowCaptions = captions
        grid.tileScale = max(1, 128 / problem.size.width)
        files[AlignmentPictures.gridName] = try grid.rendered().encoded()
        return files
    }

    func pictures(
        _ population: ImagePopulation, _ prompts: PromptTable, withAdapter: Bool
    ) throws -> [PNGImage] {
        let batch = configuration.training.microBatch
        let count = configuration.evaluation.pictures
        return try stride(from: 0, to: count, by: batch).flatMap { first in
            let range = first..<min(first + batch, count)
            let images = try problem.pictures(population, prompts, range, withAdapter: withAdapter)
            return range.map { index in
                PNGImage(
                    width: problem.size.width, height: problem.size.height, channels: .rgb,
                    values: images.slice(index - first..<index - first + 1).floats, range: 0...1,
                    text: ["prompt": prompts.texts(prompts.turn(of: index..<index + 1))[0]])
            }
        }
    }

    /// The adapter as diffusers reads it.
    func adapterFile() throws -> Data { try problem.adapter.file(for: pipeline) }
}
