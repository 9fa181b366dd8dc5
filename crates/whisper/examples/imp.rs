fn main() {
    let a: Vec<String> = std::env::args().collect();
    let mut m = callsift_whisper::import::open(std::path::Path::new(&a[1])).unwrap();
    let p = if a[3] == "fp32" { callsift_whisper::Precision::Fp32 } else { callsift_whisper::Precision::Int8 };
    callsift_whisper::folder::write(&mut *m, std::path::Path::new(&a[2]), p, callsift_whisper::Origin { form: String::new(), files: Default::default() }).unwrap();
}
