//! Tables in which nobody stands alone, from the command line.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{TestBank, shared};

/// What a Python library of others finds in a table: k, distinct and entropy ℓ, t.
fn pycanon(file: &Path, quasi: &[&str], sensitive: &str) -> Option<Value> {
    let python = crate::support::tool("KURA_PYTHON", "python3")?;
    let script = "import json,sys,pandas as pd\n\
        from pycanon import anonymity as a\n\
        d=pd.read_csv(sys.argv[1],sep=None,engine='python',dtype=str,keep_default_na=False)\n\
        q=sys.argv[2].split(',');s=[sys.argv[3]] if sys.argv[3] else []\n\
        o={'k':a.k_anonymity(d,q)}\n\
        if s: o|={'l':a.l_diversity(d,q,s),'entropy':a.entropy_l_diversity(d,q,s),'t':a.t_closeness(d,q,s)}\n\
        print(json.dumps({k:float(v) for k,v in o.items()}))";
    let run = std::process::Command::new(python)
        .args([
            "-c",
            script,
            &file.display().to_string(),
            &quasi.join(","),
            sensitive,
        ])
        .output()
        .expect("python runs");
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    Some(serde_json::from_slice(&run.stdout).expect("JSON"))
}

const ADULT: [&str; 9] = [
    "sex",
    "age",
    "race",
    "marital-status",
    "education",
    "native-country",
    "workclass",
    "occupation",
    "salary-class",
];

/// A plan for the columns of Adult: the sensitive one, and what is asked.
fn adult_plan(folder: &Path, quasi: &[&str], sensitive: &str, goal: &str) -> String {
    let mut out = "separator = \";\"\n".to_owned();
    for name in ADULT {
        let file = folder.join(format!("adult_hierarchy_{name}.csv"));
        let hierarchy = format!("hierarchy = {{ file = \"{}\" }}\n", file.display());
        let (role, hierarchy) = if quasi.contains(&name) {
            ("quasi", hierarchy)
        } else if name == sensitive {
            ("sensitive", hierarchy)
        } else {
            ("identifying", String::new())
        };
        out += &format!("[[column]]\nname = \"{name}\"\nrole = \"{role}\"\n{hierarchy}");
    }
    out + goal
}

#[test]
fn the_census_is_made_anonymous_as_others_confirm() {
    let Some(folder) = shared("tables/adult") else {
        return;
    };
    let bank = TestBank::new();
    let input = folder.join("adult.csv").display().to_string();
    let run = |name: &str, plan: &str| {
        let plan = bank.file(&format!("{name}.toml"), plan.as_bytes());
        let out = bank.folder.path().join(format!("{name}.csv"));
        let done = bank
            .kura(&[
                "deid",
                "table",
                &plan.display().to_string(),
                &input,
                "--out",
                &out.display().to_string(),
                "--format",
                "json",
            ])
            .ok()
            .json();
        (out, done)
    };
    let (out, done) = run(
        "arx",
        &adult_plan(&folder, &ADULT, "", "[goal]\nk = 5\nsuppression = 0.05\n"),
    );
    assert_eq!(done["rows_kept_back"], 1346);
    assert_eq!(done["proved"], true);
    assert_eq!(
        done["levels"][0],
        json!({"sex": 0, "age": 3, "race": 0, "marital-status": 0, "education": 2, "native-country": 1,
               "workclass": 1, "occupation": 2, "salary-class": 0})
    );
    assert!(
        (done["loss"].as_f64().unwrap() - 0.2419).abs() < 5e-5,
        "{done}"
    );
    assert_eq!(done["before"]["unique"], 15_512);
    assert_eq!(
        (&done["after"]["unique"], &done["after"]["smallest"]),
        (&json!(0), &json!(5))
    );
    if let Some(found) = pycanon(&out, &ADULT, "") {
        assert_eq!(found["k"], 5.0);
    }

    let quasi = ["sex", "age", "race", "marital-status", "native-country"];
    for (name, more, holds) in [
        (
            "distinct",
            "diversity = [{ column = \"occupation\", kind = \"distinct\", l = 4 }]",
            "l",
        ),
        (
            "entropy",
            "diversity = [{ column = \"occupation\", kind = \"entropy\", l = 3 }]",
            "entropy",
        ),
        (
            "close",
            "closeness = [{ column = \"occupation\", t = 0.35, ground = \"equal\" }]",
            "t",
        ),
        (
            "tree",
            "closeness = [{ column = \"occupation\", t = 0.2, ground = \"hierarchical\" }]",
            "",
        ),
        (
            "local",
            "mode = \"local\"\ndiversity = [{ column = \"occupation\", kind = \"distinct\", l = 4 }]",
            "",
        ),
        (
            "recursive",
            "diversity = [{ column = \"occupation\", kind = \"recursive\", l = 3, c = 4 }]",
            "",
        ),
    ] {
        let goal = format!("[goal]\nk = 5\nsuppression = 0.1\n{more}\n");
        let (out, done) = run(name, &adult_plan(&folder, &quasi, "occupation", &goal));
        assert!(
            done["after"]["smallest"].as_u64().unwrap() >= 5,
            "{name}: {done}"
        );
        let Some(found) = pycanon(&out, &quasi, "occupation") else {
            continue;
        };
        let number = |key: &str| found[key].as_f64().unwrap();
        // In the local mode a label of one part may be one of another: classes only grow together.
        assert!(number("k") >= 5.0, "{name}: {found}");
        match holds {
            "l" => assert!(number("l") >= 4.0, "{found}"),
            "entropy" => assert!(number("entropy") >= 3.0, "{found}"),
            // Of the rows that are shown; the demand was held against all.
            "t" => assert!(number("t") <= 0.40, "{found}"),
            _ => {}
        }
        assert!(
            !std::fs::read_to_string(&out)
                .unwrap()
                .lines()
                .next()
                .unwrap()
                .contains("salary")
        );
    }
}

#[test]
fn a_table_by_built_in_hierarchies_and_what_a_plan_may_not_be() {
    let bank = TestBank::new();
    let mut rows = "id,age,born,home,disease,note\n".to_owned();
    for number in 0..200_u32 {
        let age = if number == 7 { 116 } else { 20 + number % 60 };
        let disease = match number {
            3 => "Q99.9",
            _ if number % 3 == 0 => "E11.9",
            _ => "I10",
        };
        let home = ["千葉県", "東京都", "大阪府", "京都府"][number as usize % 4];
        rows += &format!(
            "P{number:05},{age},19{:02}-0{}-11,{home},{disease},\"a, b\"\n",
            40 + number % 50,
            1 + number % 9
        );
    }
    let input = bank.file("in.csv", rows.as_bytes()).display().to_string();
    let plan = |age: &str, goal: &str| {
        format!(
            "[[column]]\nname = \"id\"\nrole = \"identifying\"\n\
             [[column]]\nname = \"age\"\nrole = \"quasi\"\nhierarchy = {age}\n\
             [[column]]\nname = \"born\"\nrole = \"quasi\"\nhierarchy = \"date\"\n\
             [[column]]\nname = \"home\"\nrole = \"quasi\"\nhierarchy = \"region\"\n\
             [[column]]\nname = \"disease\"\nrole = \"sensitive\"\nsingular = 2\nhierarchy = \"icd10\"\n\
             [[column]]\nname = \"note\"\nrole = \"plain\"\n\
             [goal]\n{goal}\n"
        )
    };
    let ages = "{ intervals = { widths = [5, 10, 30], top = 90 } }";
    let run = |name: &str, plan: &str, more: &[&str]| {
        let plan = bank
            .file(&format!("{name}.toml"), plan.as_bytes())
            .display()
            .to_string();
        let out = bank
            .folder
            .path()
            .join(format!("{name}.csv"))
            .display()
            .to_string();
        let mut arguments = vec![
            "deid", "table", &plan, &input, "--out", &out, "--format", "json",
        ];
        arguments.extend(more);
        (bank.kura(&arguments), out)
    };
    let (first, out) = run("first", &plan(ages, "k = 5\nsuppression = 0.1"), &[]);
    let done = first.ok().json();
    assert_eq!(done["singular"], json!({ "disease": 1 }), "{done}");
    assert_eq!(done["removed"], json!(["id"]));
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(
        !text.contains("116") && !text.contains("P00007") && !text.contains("Q99.9"),
        "{text}"
    );
    assert!(text.contains("\"a, b\"") && text.starts_with("age,born,home,disease,note\n"));
    if let Some(found) = pycanon(Path::new(&out), &["age", "born", "home"], "") {
        assert!(found["k"].as_f64().unwrap() >= 5.0, "{found}");
    }
    // Somebody left: the earlier release and this one tell of few.
    let fewer: String = rows
        .lines()
        .filter(|line| !line.starts_with("P00100"))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(&input, fewer).unwrap();
    let (second, _) = run(
        "second",
        &plan(ages, "k = 5\nsuppression = 0.1"),
        &["--earlier", &out],
    );
    let told = second.exits(3).json();
    assert_eq!(
        (
            &told["earlier"][0]["small_differences"],
            &told["earlier"][0]["rows"]
        ),
        (&json!(1), &json!(1)),
        "{told}"
    );
    // What was written is not written over.
    let (again, _) = run("second", &plan(ages, "k = 5"), &[]);
    assert!(again.exits(1).err.contains("is there already"));

    for (name, bad, says) in [
        (
            "no-goal",
            plan(ages, "suppression = 0.1"),
            "missing field `k`",
        ),
        ("k", plan(ages, "k = 1"), "k is 2 or more"),
        (
            "widths",
            plan("{ intervals = { widths = [5, 7] } }", "k = 5"),
            "line 7: intervals need",
        ),
        (
            "column",
            plan(
                ages,
                "k = 5\ndiversity = [{ column = \"age\", kind = \"distinct\", l = 2 }]",
            ),
            "no sensitive column",
        ),
        (
            "c",
            plan(
                ages,
                "k = 5\ndiversity = [{ column = \"disease\", kind = \"recursive\", l = 2 }]",
            ),
            "needs c",
        ),
        (
            "order",
            plan(
                ages,
                "k = 5\ncloseness = [{ column = \"disease\", t = 0.2, ground = \"ordered\" }]",
            ),
            "needs numbers",
        ),
        (
            "share",
            plan(ages, "k = 5\nsuppression = 1.5"),
            "suppression is a share",
        ),
        ("many", plan(ages, "k = 500"), "no choice of levels meets"),
        (
            "unnamed",
            plan(ages, "k = 5").replace("[[column]]\nname = \"note\"\nrole = \"plain\"\n", ""),
            "called as column",
        ),
        (
            "bare",
            plan(ages, "k = 5").replace("hierarchy = \"date\"\n", ""),
            "needs a hierarchy",
        ),
    ] {
        let (refused, out) = run(name, &bad, &[]);
        let refused = refused.exits(1);
        assert!(refused.err.contains(says), "{name}: {}", refused.err);
        assert!(!Path::new(&out).exists(), "{name}");
    }
    std::fs::write(&input, "id,age,born,home,disease,note\nP1,30\n").unwrap();
    let (ragged, _) = run("ragged", &plan(ages, "k = 5"), &[]);
    let ragged = ragged.exits(1);
    assert!(
        ragged.err.contains("line 2") && !ragged.err.contains("P1"),
        "{}",
        ragged.err
    );
}

/// A line of names is asked for without telling what stands in its place.
#[test]
fn a_table_without_a_line_of_names_is_not_repeated() {
    let bank = TestBank::new();
    let file = |name: &str, text: &str| bank.file(name, text.as_bytes()).display().to_string();
    let plan = file(
        "plan.toml",
        "[[column]]\nname = \"age\"\nrole = \"quasi\"\nhierarchy = \"flat\"\n[goal]\nk = 2\n",
    );
    let input = file("in.csv", "Yamada Hanako,30\nSato Jiro,30\n");
    let out = bank.folder.path().join("out.csv");
    let run = bank
        .kura(&[
            "deid",
            "table",
            &plan,
            &input,
            "--out",
            &out.display().to_string(),
        ])
        .exits(1);
    assert!(
        run.err.contains("line 1") && run.err.contains("column 1") && !run.err.contains("Yamada"),
        "{}",
        run.err
    );
    assert!(!out.exists() && !out.with_file_name("out.csv.partial").exists());
}
