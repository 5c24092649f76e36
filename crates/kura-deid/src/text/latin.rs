//! Names in Latin letters that nobody told: beside a title or what somebody does, in lists, and
//! pairs of words in capitals that no clinic uses.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use super::numbers::pattern;
use super::{Found, Kind, push};

/// One name, with what may stand before it: Mc, O', de la.
const NAME: &str = r"(?:[A-Z]\. ?){0,2}(?:(?i:de|van|von|der|den|la|del|di|da|bin|al|st\.?) ){0,3}(?:(?:O['’]|Mc|Mac)[A-Z][A-Za-z]+|[A-Z][a-zà-ÿ]+|[A-Z]{2,}(?:['’][A-Z]+)?)(?:-[A-Z][A-Za-z]+)?";

static TITLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?-u:\b)(?:Drs?|Mrs?|Ms|Miss|Prof|Professor|Nurse|Sister|Rev|Sir|Mx|Capt|Officer|Judge|Father|Pastor|Rabbi)(?-u:\b)\.? ?{NAME}(?: [A-Z]\.)?(?: {NAME}){{0,2}}",
    ))
});
/// Attending: Rachel Long; her daughter, Anna Cole; signed by Long, Rachel.
static CAPTIONED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?:(?-u:\b)(?i:attending(?: physician)?|resident|intern|fellow|dictated by|transcribed by|signed(?: electronically)?(?: by)?|electronically signed by|cc|next of kin|NOK|emergency contact|referr(?:ed by|ing(?: physician| provider)?)|surgeon|(?:first |second )?assistant|anesthesia|anesthesiologist|anaesthetist|consultant|registrar|midwife|therapist|pharmacist|dietitian|counsell?or|caseworker|case manager|social worker|nurse|physician|clinician|radiologist|pathologist|technologist|scribe|PCP|primary care(?: physician| provider)?|(?:reported|performed|prepared|reviewed|approved|authored|entered|recorded|requested|ordered|read|interpreted|witnessed|verified) by|author|provider|caregiver|carer|contact|witness|interpreter|guardian|attorney|proxy|power of attorney|patient(?: name)?|name)[::,]? |(?-u:\b)(?i:wife|husband|daughter|son|mother|father|brother|sister|partner|spouse|friend|neighbou?r|aunt|uncle|niece|nephew|cousin|grandson|granddaughter|grandmother|grandfather|stepson|stepdaughter|roommate|fianc[eé]e?|girlfriend|boyfriend)(?: named| is)?[,:]? |(?-u:\b)(?i:discussed|follow(?:-| )?up|f/u|appointment|visit|session|spoke|speaking|lives|living|met|meeting|confirmed|reviewed|consult(?:ed|ation)?) (?i:with) |(?-u:\b)(?i:signed|seen|accompanied|brought in|verified|escorted|evaluated|examined|followed|referred|called|contacted|notified|informed|updated) (?:by |(?:on|at) )?|(?-u:\b)(?i:per|attn|dear|hi|hello|regards|sincerely)[:,]?\s)({NAME}(?:,? [A-Z]\.)?(?:,? {NAME}){{0,2}})",
    ))
});
static LETTERED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"({NAME}(?: [A-Z]\.)?(?: {NAME}){{0,2}}),? (?:M\.?D\.?|D\.?O\.?|R\.?N\.?|N\.?P\.?|P\.?A\.?(?:-C)?|Ph\.?D\.?|LPN|MSW|LCSW|PharmD|DPT|OTR|FRCS|MRCP|FACC|BSN|APRN|CRNA|CNM|DDS|Esq|MBBS|SLP)(?-u:\b)",
    ))
});
/// Siobhan H. Castellanos: an initial between two words is of a name.
static INITIAL: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"(?-u:\b)({NAME} [A-Z]\. {NAME})")));
/// Okafor, Victor called; Dorothy Petrov reports: who says and does something is a person.
static DOING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?-u:\b)({NAME},? {NAME})(?:['’]s| (?:called|calls|phoned|stated|states|says|said|reports|reported|asked|asks|agreed|agrees|denies|denied|came|visited|brought|signed|arrived|presents|presented|lives|was (?:informed|notified|called|present|updated|seen|admitted|discharged)|is (?:aware|a|an)|will))(?-u:\b)",
    ))
});
/// Guadalupe Cook; Cook, Guadalupe: two words, each with a capital.
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?-u:\b)([A-Z](?:['’][A-Z])?[a-zà-ÿ]+(?:[A-Z][a-zà-ÿ]+)?(?:-[A-Z][a-zà-ÿ]+)?),? (?:[A-Z]\.? )?(?:(?:[Dd]e|[Vv]an|[Vv]on|[Dd]er|[Dd]en|[Ll]a|[Dd]el|[Dd]i|[Dd]a|[Bb]in|[Aa]l) ){0,3}([A-Z](?:['’][A-Z])?[a-zà-ÿ]+(?:[A-Z][a-zà-ÿ]+)?(?:-[A-Z][a-zà-ÿ]+)?)(?-u:\b)",
    )
});
/// In a list of whom a letter goes to: ; APRIL ADEYEMI, Oak Hill …
static LISTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"; ({NAME},? (?:[A-Z]\. )?{NAME}(?: {NAME})?)(?:,|;|\.|\n|$)",
    ))
});

/// Words that a note writes with a capital and that are no name, beside those of few letters.
const COMMON: &str = "The This That These Those There They Their Then Thus When While Where With Without Will Was Were Would Should Could \
    She Her Hers His Him And But For From Into After Before During Since Until Upon Per Via Not None Normal Negative Positive \
    Patient Patients Family Home Hospital Clinic Center Centre Medical Medicine Health Healthcare Care Unit Intensive Emergency \
    Department Room Ward Floor Service Services Surgery Surgical Internal General Primary Acute Chronic Severe Mild Moderate Past \
    History Present Illness Physical Exam Examination Review Systems System Social Vital Signs Chief Complaint Assessment Plan \
    Impression Findings Technique Comparison Diagnosis Discharge Admission Date Time Name Address Phone Record Number Report Note \
    Notes Progress Follow Instructions Medication Medications Allergies Allergy Immunizations Laboratory Results Result Test Tests \
    Left Right Upper Lower Middle Anterior Posterior Lateral Medial Proximal Distal Superior Inferior Bilateral Chest Abdomen Head \
    Neck Back Heart Lung Lungs Liver Kidney Brain Spine Skin Eye Eyes Ear Nose Throat Blood Urine Stool Bone Joint Muscle Nerve \
    Artery Vein Valve Cancer Tumor Disease Disorder Syndrome Sign Score Scale Index Stage Grade Class Type Phase Group Level Test \
    Fracture Infection Failure Pain Pressure Rate Temperature Oxygen Saturation Weight Height Body Mass Coma Glasgow Apgar \
    Physician Doctor Nurse Therapy Therapist Occupational Speech Respiratory Pulmonary Cardiac Cardiology Neurology Oncology \
    Radiology Pathology Pediatrics Psychiatry Nephrology Urology Dermatology Orthopedics Orthopedic Gastroenterology Hematology \
    Endocrinology Rheumatology Ophthalmology Obstetrics Gynecology Anesthesia Anesthesiology Infectious Diseases Palliative \
    Rehabilitation Rehab Nursing Facility Pharmacy Laboratory Imaging Echo Ultrasound Tomography Magnetic Resonance Computed \
    Electronically Signed Dictated Transcribed Attending Resident Dear Sincerely Regards Thank Thanks Please Call Return Continue \
    Start Stop Take Give Given Advance Increase Decrease Monitor Consider Discussed Reviewed Seen Admitted Discharged Transferred \
    Referred Recommend Recommended Recommendations Prior Authorization Insurance Policy Medicare Medicaid Blue Cross Shield Group \
    January February March April May June July August September October November December Monday Tuesday Wednesday Thursday \
    Friday Saturday Sunday Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec English Spanish Japanese Chinese American African \
    Asian Hispanic Caucasian White Black Male Female Man Woman Mother Father Wife Husband Daughter Son Brother Sister \
    No Yes Of In On At By To As An All Any Both Each Every Some Other Another One Two Three Four Five Six First Second Third \
    Also However Although Because Therefore Currently Previously Recently Today Tomorrow Yesterday Tonight \
    Diabetes Mellitus Hypertension Atrial Fibrillation Coronary Myocardial Infarction Stroke Pneumonia Asthma Sepsis Anemia \
    Vitamin Sodium Potassium Calcium Magnesium Chloride Glucose Insulin Aspirin Tablet Tablets Capsule Injection Solution Daily \
    North South East West Street Road Avenue Drive Lane County City State University College School Institute Foundation \
    Emergent Urgent Stat Consult Consultation Procedure Operation Operative Preoperative Postoperative Pre Post Anesthesiologist \
    Surgeon Assistant Specimen Estimated Loss Complications Condition Stable Disposition Code Status Full Advance Directive \
    Guidelines Association Society National World Organization Committee Los Angeles New York San Francisco Ann Arbor Boston Mayo \
    Gram Stain Culture Virus Bacteria Hepatitis Influenza Covid Herpes Simplex Zoster Epstein Barr Clostridium Staphylococcus \
    Streptococcus Escherichia Klebsiella Pseudomonas Candida Aspergillus Helicobacter Mycobacterium Doppler Holter Swan Ganz \
    Foley Jackson Pratt Penrose Hickman Port Kayser Fleischer Child Pugh Cheyne Stokes Wolff Parkinson Guillain Stevens Johnson \
    Graves Hashimoto Crohn Hodgkin Kaposi Ewing Wilms Paget Addison Cushing Conn Alzheimer Lewy Creutzfeldt Jakob Huntington \
    Marfan Ehlers Danlos Turner Klinefelter Down Edwards Patau Sjogren Raynaud Henoch Schonlein Kawasaki Takayasu Behcet Wegener \
    Ringer Ringers Lactate Saline Dextrose Colace Tylenol Advil Lasix Plavix Coumadin Eliquis Xarelto Lipitor Zofran Ativan Mini Mental \
    Beck Hamilton Karnofsky Braden Norton Morse Barthel Rankin Berg Tinetti Los Wells Geneva Ranson Bishop Ballard Denver Bayley \
    Called Contacted Notified Informed Updated Evaluated Examined Followed Accompanied Verified Rapid Response Team Poison Control \
    Adult Child Children Protective Total Partial Complete Open Closed Knee Hip Shoulder Ankle Wrist Elbow Hand Foot Finger Toe Leg Arm \
    Wound Ulcer Dressing Burn Bundle Branch Block Sinus Rhythm Rate Beat Stress Treadmill Exercise Protocol Bruce Duke Strep Lyme \
    Titer Shunt Stent Graft Tube Line Drain Catheter Pump Valve Pacemaker Implant Cast Splint Brace Walker Wheelchair Crutches \
    Thyroid Hormone Adrenal Pituitary Pancreas Spleen Bowel Colon Rectum Stomach Bladder Uterus Ovary Ovaries Prostate Breast Testis \
    Cholesterol Triglycerides Hemoglobin Hematocrit Platelet Platelets White Red Cell Cells Count Differential Panel Screen Smear \
    Biopsy Scan Film View Views Contrast Dose Fluid Fluids Diet Soft Regular Clear Liquid Bed Rest Fall Falls Risk Precautions Safety \
    Deep Superficial Large Small High Low Long Short New Old Early Late Fast Slow Hot Cold Warm Dry Wet Good Fair Poor Best Worst \
    Sleep Apnea Smoking Alcohol Tobacco Drug Drugs Use Abuse Work School Food Water Air Room Bath Chair Door Floor Nuclear Lab Labs \
    Goals Goal Problem Problems List Active Resolved Reason Visit Course Summary Day Days Week Weeks Month Months Year Years Hour \
    Pulse Ox Blood Sugar Fever Cough Nausea Vomiting Diarrhea Rash Edema Cyanosis Clubbing Murmur Gallop Rub Wheeze Crackles \
    Arthritis Gout Lupus Psoriasis Eczema Migraine Seizure Seizures Dementia Delirium Anxiety Bipolar Autism Attention Deficit \
    Ischemic Heart Attack Angina Shock Arrest Trauma Injury Sprain Strain Tear Rupture Hernia Polyp Cyst Mass Nodule Lesion \
    Next Kin Contact Guardian Power Attorney Advocate Case Manager Management Worker Support Safe Home Living Assisted Hospice";

/// Ends of words of medicine: Ventriculoperitoneal, Stimulating, Arthroplasty.
const ENDS: [&str; 44] = [
    "tion", "sion", "ment", "ology", "ologist", "itis", "osis", "emia", "oma", "ectomy", "otomy",
    "ostomy", "plasty", "scopy", "graphy", "gram", "neal", "nal", "ical", "tic", "ous", "ive",
    "ity", "ness", "ular", "oid", "ide", "ium", "cillin", "statin", "pril", "sartan", "olol",
    "azole", "mycin", "mab", "tinib", "ating", "therapy", "pathy", "trophy", "uria", "algia",
    "ectasis",
];

static ORDINARY: LazyLock<HashSet<&str>> = LazyLock::new(|| COMMON.split_whitespace().collect());

pub(super) fn find(text: &str, found: &mut Vec<Found>) {
    if !has_two_words(text) {
        return;
    }
    for hit in TITLED.find_iter(text) {
        push(found, hit.range(), Kind::Name);
    }
    for pattern in [&*CAPTIONED, &*LETTERED, &*INITIAL, &*DOING, &*LISTED] {
        for hit in pattern.captures_iter(text).filter_map(|hit| hit.get(1)) {
            // CT, MRI: a word in capitals alone may be anything.
            let capitals = hit.as_str().bytes().all(|byte| byte.is_ascii_uppercase());
            let own = hit.as_str();
            // Called Poison Control; but Patient: An.
            let words = own.split([' ', ',', '.']).filter(|word| word.len() > 2);
            let nobody = words.clone().count() > 0 && words.into_iter().all(clinical);
            if (!capitals || own.len() > 5) && !nobody {
                push(found, hit.range(), Kind::Name);
            }
        }
    }
    let mut at = 0;
    while let Some(hit) = PAIR.captures_at(text, at) {
        let (Some(all), Some(first), Some(second)) = (hit.get(0), hit.get(1), hit.get(2)) else {
            break;
        };
        // The second word may begin the next pair: Discussed Anna Cole.
        if clinical(first.as_str()) || clinical(second.as_str()) {
            at = second.start();
        } else {
            push(found, all.range(), Kind::Name);
            at = all.end();
        }
    }
}

fn ordinary(word: &str) -> bool {
    word.is_empty() || ORDINARY.contains(word)
}

/// Whether a word says that the pair it stands in is of a clinic.
fn clinical(word: &str) -> bool {
    ordinary(word) || ENDS.iter().any(|end| word.ends_with(end))
}

/// Whether two letters of Latin script stand together anywhere: a quick look.
fn has_two_words(text: &str) -> bool {
    text.as_bytes()
        .windows(2)
        .any(|pair| pair[0].is_ascii_uppercase() && pair[1].is_ascii_alphabetic())
}
