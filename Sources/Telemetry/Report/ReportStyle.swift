/// The page's style sheet: light and dark by the reader's setting, light on paper.
enum ReportStyle {
    private static let lightBadges = "--good:#00664b;--warning:#8a5a00;--bad:#a83c00"
    private static let darkBadges = "--good:#3fc79b;--warning:#e6b34d;--bad:#ff9257"

    static let sheet = """
        :root{\(PlotTheme.light);\(lightBadges)}
        @media (prefers-color-scheme:dark){:root{\(PlotTheme.dark);\(darkBadges)}}
        @media print{:root{\(PlotTheme.light);\(lightBadges)}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--paper);color:var(--ink);line-height:1.5;-webkit-text-size-adjust:100%;\
        font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}
        main{max-width:1120px;margin:0 auto;padding:32px 20px 48px}
        header{border-bottom:1px solid var(--rule);padding-bottom:16px}
        h1{font-size:1.7rem;line-height:1.25;margin:0;display:flex;flex-wrap:wrap;\
        gap:6px 14px;align-items:center;overflow-wrap:anywhere}
        h2{font-size:1.2rem;margin:40px 0 12px}
        p{margin:0 0 12px;max-width:72ch}
        .subtitle{color:var(--muted);margin:6px 0 0}
        .badge{font-size:.85rem;font-weight:600;line-height:1;padding:6px 11px;border-radius:999px;\
        border:1.5px solid currentColor;white-space:nowrap}
        .good{color:var(--good)}.warning{color:var(--warning)}.bad{color:var(--bad)}
        .figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));\
        gap:10px;margin:0 0 16px}
        .figures div{background:var(--tint);border-radius:8px;padding:10px 14px;min-width:0}
        dt{color:var(--muted);font-size:.82rem}
        dd{margin:0;font-size:1.2rem;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
        dd.note{font-size:.82rem;color:var(--muted)}
        .table{overflow-x:auto;margin:0 0 16px}
        table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}
        caption,.caption,figcaption{color:var(--muted);font-size:.88rem;text-align:left}
        caption{padding-bottom:6px}
        th,td{padding:6px 20px 6px 0;text-align:left;border-bottom:1px solid var(--rule);white-space:nowrap}
        th{font-weight:600}
        td:first-child{white-space:normal;min-width:6rem}
        th:last-child,td:last-child{padding-right:4px}
        .number{text-align:right}
        .charts,.panels{display:grid;gap:24px 32px;margin:0 0 16px}
        .charts{grid-template-columns:repeat(auto-fill,minmax(min(100%,400px),1fr))}
        .panels{grid-template-columns:repeat(auto-fill,minmax(min(100%,270px),1fr))}
        .panels>div{max-width:420px}
        figure{margin:0 0 20px}
        figcaption{margin-top:6px;max-width:72ch}
        figcaption.above{margin:0 0 6px;color:var(--ink);font-size:.95rem}
        img{display:block;max-width:100%;height:auto;border-radius:4px}
        .caption{margin-bottom:6px}
        pre{background:var(--tint);border-radius:8px;padding:12px 16px;margin:0 0 16px;overflow-x:auto;\
        font:.85rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}
        footer{margin-top:48px;border-top:1px solid var(--rule);padding-top:12px;\
        color:var(--muted);font-size:.85rem}
        @media print{main{max-width:none;padding:0}h2{break-after:avoid}pre{white-space:pre-wrap}\
        figure,.charts>div,.panels>div,.figures div,tr{break-inside:avoid}\
        .charts{grid-template-columns:1fr 1fr}.panels{grid-template-columns:1fr 1fr 1fr}}
        \(PlotTheme.rules)
        """
}
