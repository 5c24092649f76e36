//! What a report says, once for every form that it is shown in.

use kura_model::thousands;
use kura_pdf::{Column, Document, Instant, Span, Table, Text};

use super::{Pictures, Policy, Report, Risk, Texts};
use crate::card::reason;

/// Japanese and English, a line each.
fn both(ja: impl Into<Span>, en: impl Into<Span>) -> Text {
    Text::from(ja).line(en).lang("en")
}

fn count(number: u64) -> Text {
    thousands(number).into()
}

fn percent(share: f64) -> Text {
    format!("{:.2} %", share * 100.0).into()
}

impl Report {
    pub(super) fn document(&self) -> Document {
        // The bank's time, so that a set that is built again has the same report.
        let created = Instant::parse(&self.as_of).unwrap_or(Instant::UNIX_EPOCH);
        let title = format!("加工の報告 / Report: {}", self.title);
        let mut document = Document::new(title, "ja", created);
        document.heading(1, "加工の報告 / De-identification report");
        document.paragraph(self.title.as_str());
        document.table(self.head());
        document.heading(2, "あったもの、出たもの / What was there, what left");
        document.table(self.resources());
        document.heading(2, "留めたもの / Held back");
        if self.withheld.is_empty() {
            document.paragraph("なし / nothing");
        } else {
            document.table(self.held_back());
        }
        if let Some(texts) = &self.texts {
            texts.tell(&mut document);
        }
        if !self.risks.is_empty() {
            document.heading(2, "残る危険 / Residual risk");
            document.paragraph(both(
                "データセットにいると知られている患者が、値の組合せから見分けられる割合。方針が日付をずらしていれば、生年そのものは分からない。",
                "How easily a patient who is known to be in the set is told by a combination of values. Where the policy moved dates, the year of birth itself is not known.",
            ));
            document.table(risks(&self.risks));
        }
        if let Some(pictures) = &self.pictures {
            pictures.tell(&mut document);
        }
        document.heading(2, "人が確かめること / For a person to look at");
        let to_look_at = self.to_look_at.iter();
        document.list(to_look_at.map(|(ja, en)| both(ja.as_str(), en.as_str())));
        document.heading(2, "規則 / Rules");
        document.table(self.rule_table());
        document.heading(2, "要素ごと / Element by element");
        let codes = thousands(self.local_codes);
        let units = thousands(self.local_units);
        document.paragraph(both(
            format!(
                "公開されていない体系のコード {codes} 件と UCUM でない単位 {units} 件を削除した。"
            ),
            format!(
                "{codes} codes of unpublished systems and {units} units that are not UCUM went."
            ),
        ));
        document.table(self.element_table());
        document
    }

    fn head(&self) -> Table {
        let back = if self.policy.reversible {
            both(
                "同意の範囲で、権限をもつ者が理由を記して戻せる",
                "by a named role with a reason, as consented",
            )
        } else {
            "戻さない / never".into()
        };
        let mut facts: Vec<(&str, Text)> = vec![
            ("データセット / Data set", self.name.as_str().into()),
            ("研究計画 / Project", self.project.as_str().into()),
            ("患者数 / Patients", count(self.patients)),
            (
                "時点 / As of",
                format!("{} (t = {})", self.as_of, self.t).into(),
            ),
            ("加工方針 / Policy", self.policy.told()),
            ("本人への復元 / Leading back", back),
            (
                "方針のハッシュ / Hash of the policy",
                Span::code(&self.policy.hash).into(),
            ),
        ];
        if let Some(approval) = &self.policy.approval {
            let decided = format!("{}, {}", approval.reference, approval.date);
            let mut told = Text::from(approval.board.as_str()).line(decided);
            if approval.texts {
                told = told.line("文章を含む / texts included");
            }
            facts.insert(5, ("方針の承認 / Approval of the policy", told));
        }
        if let Some(images) = &self.image_policy {
            let version = format!("{} {}", images.id, images.version);
            let told = Text::from(version).line(images.source.as_str());
            facts.push(("画像 / Images", told));
        }
        Table::facts(facts)
    }

    fn resources(&self) -> Table {
        let mut table = Table::new([
            Column::text(both("種類", "type")),
            Column::number(both("あった", "there")),
            Column::number(both("出た", "left")),
            Column::number(both("留めた", "held back")),
        ]);
        for (kind, counted) in &self.resources {
            table.row([
                kind.as_str().into(),
                count(counted.seen),
                count(counted.left),
                count(counted.seen - counted.left),
            ]);
        }
        table
    }

    fn held_back(&self) -> Table {
        let mut table = Table::new([
            Column::text(both("理由", "reason")),
            Column::number(both("件", "count")),
            Column::text(both("意味", "meaning")),
        ]);
        for (key, &number) in &self.withheld {
            let (ja, en) = self.why(key);
            table.row([Span::code(key).into(), count(number), both(ja, en)]);
        }
        table
    }

    /// Why something was held back: the rule's own words, where one did it.
    fn why(&self, key: &str) -> (&str, &str) {
        let id = key.split(':').next().unwrap_or(key);
        match self.rules.iter().find(|rule| rule.id == id) {
            Some(rule) => (&rule.ja, &rule.en),
            None => reason(key),
        }
    }

    fn rule_table(&self) -> Table {
        let mut table = Table::new([
            Column::text(both("規則", "rule")),
            Column::text(both("処置", "action")),
            Column::text(both("加工", "processing")),
            Column::text(both("根拠", "source")),
            Column::number(both("回数", "times")),
        ]);
        for rule in &self.rules {
            table.row_at(
                anchor(&rule.id),
                [
                    rule.id.as_str().into(),
                    rule.action.as_str().into(),
                    both(rule.ja.as_str(), rule.en.as_str()),
                    rule.source.as_str().into(),
                    count(rule.applied),
                ],
            );
        }
        table
    }

    fn element_table(&self) -> Table {
        let mut table = Table::new([
            Column::text(both("要素", "element")),
            Column::text(both("規則", "rule")),
            Column::text(both("処置", "action")),
            Column::number(both("残った", "kept")),
            Column::number(both("消えた", "removed")),
        ]);
        for line in &self.elements {
            let rule = match &line.rule {
                Some(rule) => Span::link(rule, anchor(rule)).into(),
                None => "—".into(),
            };
            table.row([
                Span::code(&line.path).into(),
                rule,
                line.action.as_str().into(),
                count(line.kept),
                count(line.removed),
            ]);
        }
        table
    }
}

fn anchor(rule: &str) -> String {
    format!("rule-{rule}")
}

impl Policy {
    fn told(&self) -> Text {
        let mut version = format!("{} {}", self.id, self.version);
        if let Some(base) = &self.extends {
            version += &format!(" ({base} より厳しい / stricter than {base})");
        }
        Text::from(self.ja.as_str())
            .line(self.en.as_str())
            .lang("en")
            .line(version)
            .line(self.source.as_str())
    }
}

impl Texts {
    fn tell(&self, document: &mut Document) {
        let number = thousands(self.texts);
        document.heading(2, "文章 / Texts");
        document.paragraph(both(
            format!("{number} 件の文章で、次のものを札に置き換えた。"),
            format!("In {number} texts these became labels."),
        ));
        let mut table = Table::new([
            Column::text(both("札", "label")),
            Column::number(both("件", "count")),
        ]);
        for (label, &number) in &self.labels {
            table.row([label.as_str().into(), count(number)]);
        }
        document.table(table);
    }
}

fn risks(risks: &[Risk]) -> Table {
    let mut table = Table::new([
        Column::text(both("知る者", "who knows")),
        Column::number(both("患者", "patients")),
        Column::number(both("最小の集団", "smallest group")),
        Column::number(both("一人だけ", "alone")),
        Column::number(both("最大", "most")),
        Column::number(both("平均", "mean")),
        Column::number(both("5 人未満の集団", "groups under five")),
    ]);
    for risk in risks {
        table.row([
            both(risk.ja.as_str(), risk.en.as_str()),
            count(risk.patients),
            count(risk.smallest),
            count(risk.alone),
            percent(risk.most),
            percent(risk.mean),
            count(risk.above),
        ]);
    }
    table
}

impl Pictures {
    fn tell(&self, document: &mut Document) {
        document.heading(2, "画像 / Images");
        if !self.reader {
            document.paragraph(both(
                "画像の文字を読むモデルがないため、文字が写り得る画像は留めた。",
                "There are no models that read text in pictures: images that may show text were held back.",
            ));
        }
        let mut table = Table::new([
            Column::text(both("項目", "item")),
            Column::number(both("数", "count")),
        ]);
        let counts = [
            ("あった画像 / Objects that were there", self.objects),
            ("出た画像 / Objects that left", self.left),
            (
                "文字を探した画像 / Objects in which text was looked for",
                self.read,
            ),
            (
                "塗りつぶした文字 / Places of text that were masked",
                self.masked,
            ),
            (
                "うち本人の識別子と読めたもの / of these, read as an identifier of the patient",
                self.identifiers,
            ),
            (
                "一覧により残した文字 / Places of text that stay by the list",
                self.kept,
            ),
            (
                "顔を取り除いた系列 / Series whose face was taken out",
                self.faces,
            ),
            (
                "顔が写っていない頭部の系列 / Series of a head that end before the face",
                self.no_face,
            ),
            (
                "顔を取り除けず留めた系列 / Series held back with their face",
                self.faces_refused,
            ),
            (
                "変わった脳の画素 / Voxels of the brain that changed",
                self.brain_voxels_changed,
            ),
        ];
        for (name, number) in counts {
            table.row([name.into(), count(number)]);
        }
        table.row([
            "残った顔の皮膚(最大)/ Skin of a face that is left, at most".into(),
            percent(self.face_left),
        ]);
        document.table(table);
    }
}
