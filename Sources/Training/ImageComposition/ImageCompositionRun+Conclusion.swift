import Checkpoints
import ConstrainedLearning
import Diffusion
import Foundation
import Layers
import Telemetry
import TensorCore

extension ImageCompositionRun {
    /// Distils an adapter where one is asked for, measures the result at the average multipliers beside what it is
    /// compared with, and writes all that the run leaves.
    ///
    /// - Throws: `Interruption` if the run was asked to stop; what has been done is then saved.
    func conclude(_ result: PrimalDualResult) throws {
        var progress = CompositionConclusion(
            iterations: result.iterations, multipliers: result.multipliers,
            settings: configuration.measurementSettings)
        if let tree = session.resumed { try progress.restore(from: tree) }
        let distillation = try distill(result, &progress)
        let distilled = distillation?.adapter
        let evaluation = try evaluation(result.multipliers, distilled: distilled, &progress) {
            try save($0, distillation)
        }
        try session.communicator.failTogether(exitCode: exitCode(for:)) {
            guard session.isRoot, let distilled else { return }
            try DurableFile.replace(
                "\(session.directory)/\(LoRAAdapter.fileName)", Array(distilled.file(for: pipeline)))
        }
        let summary = summary(result, evaluation.record)
        try writePictures(evaluation.rows)
        let record = evaluation.record
        let equal = record.models.first { $0.name == ImageCompositionEvaluation.equalWeights }
        try session.write(
            "baselines.json",
            ["equal_weights": ["divergences": (equal?.divergences ?? []).map(\.mean)]].sortedJSON())
        try session.write(ImageCompositionEvaluation.fileName, record.sortedJSON(.prettyPrinted))
        try session.write(ImageCompositionEvaluation.tableName, Data(record.csv.utf8))
        try session.write(
            CompositionRecord.fileName,
            CompositionRecord(configuration, multipliers: result.multipliers).sortedJSON(.prettyPrinted))
        try session.write("summary.json", summary.json())
        session.console.write(record.table(summary))
        if let share = session.communicationShare {
            let percent = String(format: "%.1f", 100 * share)
            session.console.write("MPI         \(percent) % of the time, waits for other ranks included")
        }
    }

    private func summary(_ result: PrimalDualResult, _ record: ImageCompositionEvaluation) -> Summary {
        let divergences = record.constrained?.divergences?.map(\.mean) ?? []
        let bound = divergences.max() ?? 0
        let dualValue = zip(result.multipliers, divergences).reduce(0) { $0 + $1.0 * $1.1 }
        return Summary(
            kind: configuration.kind.rawValue, status: result.status.rawValue, iterations: result.iterations,
            names: configuration.memberNames, multipliers: result.multipliers,
            lastMultipliers: result.lastMultipliers, violations: divergences.map { $0 - bound },
            rewards: nil, thresholds: nil, divergences: divergences, bound: bound, objective: bound,
            dualValue: dualValue, gap: bound - dualValue, seconds: session.seconds,
            ranks: session.communicator.size)
    }

    /// The picture grid, a row a model, and each picture as a file.
    private func writePictures(_ rows: [(name: String, pictures: [PNGImage])]) throws {
        try session.communicator.failTogether(exitCode: exitCode(for:)) {
            guard session.isRoot else { return }
            try createDirectory(URL(fileURLWithPath: "\(session.directory)/images"))
            for (name, file) in try CompositionPictures.files(rows, captions: problem.prompts) {
                try DurableFile.replace("\(session.directory)/\(name)", Array(file))
            }
        }
    }
}

extension ImageCompositionConfiguration {
    /// What determines measurements and may change when a run goes on.
    fileprivate var measurementSettings: String {
        let rewards = rewards.map { Format<CompositionRewardConfiguration>.mapping.write($0).flow }
        return ([Format<CompositionEvaluationConfiguration>.mapping.write(evaluation).flow] + rewards).joined(
            separator: "; ") + (distillation.steps > 0 ? "; distilled" : "")
    }
}
