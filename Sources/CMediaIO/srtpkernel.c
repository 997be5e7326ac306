// AES-128 counter mode and HMAC-SHA1 of OpenSSL behind libsrtp's cipher and authentication types.
// libsrtp keeps what calls them: key derivation, IVs, ROC, replay windows, tags.
#define OPENSSL_SUPPRESS_DEPRECATED // SHA1_*: their state is a plain struct that can be copied without allocating
#include "CMediaIO.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <srtp2/auth.h>
#include <srtp2/cipher.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { key_octets = 16, salt_octets = 14, block_octets = 16, hash_octets = SHA_DIGEST_LENGTH, pad_octets = 64 };

static EVP_CIPHER *aes_ctr;
static atomic_ullong keys_set;
static const srtp_cipher_type_t aes_cm_type;
static const srtp_auth_type_t hmac_type;

typedef struct { // AES-CM, RFC 3711 §4.1.1
    srtp_cipher_t head;
    EVP_CIPHER_CTX *context;
    uint8_t salt[block_octets]; // k_s · 2^16
} aes_cm;

static srtp_err_status_t aes_cm_alloc(srtp_cipher_t **out, int key_length, int tag_length) {
    (void)tag_length;
    if (key_length != key_octets + salt_octets) return srtp_err_status_bad_param;
    aes_cm *self = calloc(1, sizeof *self);
    if (!self || !(self->context = EVP_CIPHER_CTX_new())) {
        free(self);
        return srtp_err_status_alloc_fail;
    }
    self->head = (srtp_cipher_t){&aes_cm_type, self, key_length, SRTP_AES_ICM_128};
    *out = &self->head;
    return srtp_err_status_ok;
}

static srtp_err_status_t aes_cm_dealloc(srtp_cipher_t *cipher) {
    EVP_CIPHER_CTX_free(((aes_cm *)cipher->state)->context);
    OPENSSL_cleanse(cipher->state, sizeof(aes_cm));
    free(cipher); // head of the aes_cm
    return srtp_err_status_ok;
}

static srtp_err_status_t aes_cm_init(void *state, const uint8_t *key) {
    aes_cm *self = state;
    memcpy(self->salt, key + key_octets, salt_octets);
    atomic_fetch_add_explicit(&keys_set, 1, memory_order_relaxed);
    int ok = EVP_EncryptInit_ex2(self->context, aes_ctr, key, NULL, NULL);
    return ok == 1 ? srtp_err_status_ok : srtp_err_status_init_fail;
}

static srtp_err_status_t aes_cm_set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t direction) {
    (void)direction; // counter mode is its own inverse
    aes_cm *self = state;
    uint8_t counter[block_octets];
    for (int i = 0; i < block_octets; i++) counter[i] = self->salt[i] ^ iv[i];
    int ok = EVP_EncryptInit_ex2(self->context, NULL, NULL, counter, NULL);
    return ok == 1 ? srtp_err_status_ok : srtp_err_status_cipher_fail;
}

static srtp_err_status_t aes_cm_crypt(void *state, uint8_t *buffer, unsigned int *octets) {
    int written, ok = EVP_EncryptUpdate(((aes_cm *)state)->context, buffer, &written, buffer, (int)*octets);
    return ok == 1 ? srtp_err_status_ok : srtp_err_status_cipher_fail;
}

// RFC 3711 B.2: the first two blocks of keystream.
static const uint8_t aes_cm_key[key_octets + salt_octets] = {
    0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c,
    0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd};
static const uint8_t aes_cm_plain[32], aes_cm_keystream[32] = {
    0xe0, 0x3e, 0xad, 0x09, 0x35, 0xc9, 0x5e, 0x80, 0xe1, 0x66, 0xb1, 0x6d, 0xd9, 0x2b, 0x4e, 0xb4,
    0xd2, 0x35, 0x13, 0x16, 0x2b, 0x02, 0xd0, 0xf7, 0x2a, 0x43, 0xa2, 0xfe, 0x4a, 0x5f, 0x97, 0xab};
static uint8_t aes_cm_iv[block_octets];
static const srtp_cipher_test_case_t aes_cm_test = {
    .key_length_octets = sizeof aes_cm_key, .key = aes_cm_key, .idx = aes_cm_iv,
    .plaintext_length_octets = sizeof aes_cm_plain, .plaintext = aes_cm_plain,
    .ciphertext_length_octets = sizeof aes_cm_keystream, .ciphertext = aes_cm_keystream};

static const srtp_cipher_type_t aes_cm_type = {
    .alloc = aes_cm_alloc, .dealloc = aes_cm_dealloc, .init = aes_cm_init, .encrypt = aes_cm_crypt,
    .decrypt = aes_cm_crypt, .set_iv = aes_cm_set_iv, .description = "AES-128 counter mode, OpenSSL",
    .test_data = &aes_cm_test, .id = SRTP_AES_ICM_128};

typedef struct { // HMAC-SHA1, RFC 2104
    srtp_auth_t head;
    SHA_CTX inner, outer, running; // the first two: after the padded key
} hmac;

static srtp_err_status_t hmac_alloc(srtp_auth_t **out, int key_length, int tag_length) {
    if (key_length < 0 || key_length > pad_octets || tag_length < 0 || tag_length > hash_octets)
        return srtp_err_status_bad_param;
    hmac *self = calloc(1, sizeof *self);
    if (!self) return srtp_err_status_alloc_fail;
    self->head = (srtp_auth_t){.type = &hmac_type, .state = self, .out_len = tag_length, .key_len = key_length};
    *out = &self->head;
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_dealloc(srtp_auth_t *auth) {
    OPENSSL_cleanse(auth->state, sizeof(hmac));
    free(auth); // head of the hmac
    return srtp_err_status_ok;
}

static void hash_padded_key(SHA_CTX *state, const uint8_t *key, int key_length, uint8_t pad) {
    uint8_t block[pad_octets];
    for (int i = 0; i < pad_octets; i++) block[i] = i < key_length ? key[i] ^ pad : pad;
    SHA1_Init(state);
    SHA1_Update(state, block, sizeof block);
    OPENSSL_cleanse(block, sizeof block);
}

static srtp_err_status_t hmac_init(void *state, const uint8_t *key, int key_length) {
    hmac *self = state;
    hash_padded_key(&self->inner, key, key_length, 0x36);
    hash_padded_key(&self->outer, key, key_length, 0x5c);
    atomic_fetch_add_explicit(&keys_set, 1, memory_order_relaxed);
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_start(void *state) {
    ((hmac *)state)->running = ((hmac *)state)->inner;
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_update(void *state, const uint8_t *octets, int count) {
    SHA1_Update(&((hmac *)state)->running, octets, (size_t)count);
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_compute(void *state, const uint8_t *octets, int count, int tag_length, uint8_t *tag) {
    hmac *self = state;
    uint8_t hash[hash_octets];
    SHA1_Update(&self->running, octets, (size_t)count);
    SHA1_Final(hash, &self->running);
    self->running = self->outer;
    SHA1_Update(&self->running, hash, sizeof hash);
    SHA1_Final(hash, &self->running);
    memcpy(tag, hash, (size_t)tag_length); // at most hash_octets by hmac_alloc
    return srtp_err_status_ok;
}

// RFC 2202, HMAC-SHA1 test case 1.
static const uint8_t hmac_key[] = {11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11};
static const uint8_t hmac_data[] = {'H', 'i', ' ', 'T', 'h', 'e', 'r', 'e'}, hmac_tag[hash_octets] = {
    0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72, 0x64, 0xe2, 0x8b, 0xc0, 0xb6, 0xfb, 0x37, 0x8c, 0x8e, 0xf1, 0x46, 0xbe, 0};
static const srtp_auth_test_case_t hmac_test = {
    .key_length_octets = sizeof hmac_key, .key = hmac_key, .data_length_octets = sizeof hmac_data, .data = hmac_data,
    .tag_length_octets = sizeof hmac_tag, .tag = hmac_tag};

static const srtp_auth_type_t hmac_type = {
    .alloc = hmac_alloc, .dealloc = hmac_dealloc, .init = hmac_init, .compute = hmac_compute, .update = hmac_update,
    .start = hmac_start, .description = "HMAC-SHA1, OpenSSL", .test_data = &hmac_test, .id = SRTP_HMAC_SHA1};

static void ignore_event(srtp_event_data_t *data) { (void)data; } // libsrtp's default prints

cmio_kernel_result cmio_srtp_install(void) {
    int status = srtp_init();
    if (status) return (cmio_kernel_result){status, 1};
    srtp_install_event_handler(ignore_event);
    aes_ctr = EVP_CIPHER_fetch(NULL, "AES-128-CTR", NULL);
    status = aes_ctr ? srtp_replace_cipher_type(&aes_cm_type, SRTP_AES_ICM_128) : srtp_err_status_init_fail;
    if (status) return (cmio_kernel_result){status, 2};
    status = srtp_replace_auth_type(&hmac_type, SRTP_HMAC_SHA1);
    return (cmio_kernel_result){status, status ? 3 : 0};
}

uint64_t cmio_srtp_keys_set(void) { return atomic_load_explicit(&keys_set, memory_order_relaxed); }
