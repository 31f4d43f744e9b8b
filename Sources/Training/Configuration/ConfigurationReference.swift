extension RunConfiguration {
    /// `docs/configuration.md`, from the tables that read and write configurations.
    package static var reference: String {
        let groups = Dictionary(grouping: references, by: \.section)
        let sections = fields.map(\.key).filter { groups[$0].map { $0.count > 1 } ?? false }
        let top = references.filter { $0.path.parent == .root }
        let tables = [introduction, "## Keys at the top\n\n" + table(top)]
        return (tables + sections.map { key in section(groups[key] ?? []) }).joined(separator: "\n")
    }

    private static func section(_ rows: [KeyReference]) -> String {
        guard let head = rows.first else { return "" }
        return "## `\(head.path)`\n\n\(head.meaning)\n\n" + table(Array(rows.dropFirst()))
    }

    private static func table(_ rows: [KeyReference]) -> String {
        let lines = rows.map { row in
            let cells = ["`\(row.path)`", row.type, row.standard, row.unit, row.meaning]
            return "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
        }
        return (["| key | type | default | unit | meaning |", "|---|---|---|---|---|"] + lines)
            .joined(separator: "\n") + "\n"
    }

    private static let introduction = """
        # Configuration

        A run on vectors is described by one YAML file. The keys without a default are all it needs:

        ```yaml
        kind: product
        dimension: 2
        models:
          - {name: left, gaussian: {mean: [-1.0, 0.0], covariance: [[0.3, 0.0], [0.0, 0.3]]}}
          - {name: right, gaussian: {mean: [1.0, 0.0], covariance: [[0.3, 0.0], [0.0, 0.3]]}}
        ```

        * A file is read as a whole: every problem is reported, with its line, what was found, what is expected
          and, for a misspelled key, the nearest one. Unknown and repeated keys are errors.
        * `--set path=value` overrides a key, as in `--set training.steps=10`, `--set models[0].name=left` or
          `--set 'dual.initial=[0.3, 0.7]'`. The value is YAML; the last of several counts. In keys and words `-`
          is the same as `_`.
        * `config.yaml` in the run directory and every checkpoint hold the resolved file: all defaults filled in,
          paths absolute. It is a configuration itself.
        * `--resume` goes on with a configuration that differs from the checkpoint's only in `training.steps`,
          `checkpoints`, `evaluation`, `ranks`, `dual.tolerance`, `dual.window` and the place of `samples` files;
          any other difference is an error that names it. Jobs on text-to-image models may change a few
          more keys (their pages say which), and the files and texts they name may move, but not change.
        * Anchors and aliases (`&name`, `*name`) work for values.
        * Exit codes: 66 if a file is missing, 78 for anything else that is wrong with a configuration.

        This page is made from the tables that read the file: `UPDATE_REFERENCE=1 swift test --filter
        ConfigurationReferenceTests` writes it again.

        """
}

extension KeyReference {
    /// The top-level key it stands under.
    fileprivate var section: String {
        String(path.description.prefix { $0 != "." && $0 != "[" })
    }
}
