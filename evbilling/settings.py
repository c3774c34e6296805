"""Every setting of evbilling, each from the environment, each with a safe embedded default (docs/settings.md).

With no variable set the product runs whole on one machine: SQLite in WAL mode, a Celery worker over kombu's filesystem
transport, mails as .eml files in a folder, the sandbox processor. DATABASE_URL, REDIS_URL and EMAIL_URL switch to
PostgreSQL, Redis and SMTP. MODE (demo | staging | live) decides what is allowed; live refuses anything unsafe.
"""

from pathlib import Path

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _

from evbilling.kernel.databases import POSTGRESQL_OPTIONS
from evbilling.kernel.mailers import mailer_of, provider_of, provider_settings, redirected_mailers

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
ENV_FILE = Path(env.str("ENV_FILE", str(BASE_DIR / ".env")))
if ENV_FILE.is_file():
    env.read_env(ENV_FILE)  # what the environment already sets wins

# --- Mode -----------------------------------------------------------------------------------------------------------
MODE = env.str("MODE", "demo")
if MODE not in {"demo", "staging", "live"}:
    raise ImproperlyConfigured(f"MODE is {MODE!r}; set it to demo, staging or live.")
DEBUG = env.bool("DEBUG", False)
if DEBUG and MODE != "demo":
    raise ImproperlyConfigured(f"DEBUG is on in MODE={MODE}; switch DEBUG off, it shows secrets to visitors.")
DATA_DIR = Path(env.str("DATA_DIR", str(BASE_DIR / "var")))
DATA_DIR.mkdir(parents=True, exist_ok=True)


def _local_secret() -> str:
    """The embedded default's secret key: made once, kept in DATA_DIR, readable by its owner alone."""
    from django.core.management.utils import get_random_secret_key  # noqa: PLC0415 - needed in demo mode alone

    path = DATA_DIR / "secret_key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(get_random_secret_key())
    return path.read_text().strip()


SECRET_KEY = env.str("SECRET_KEY", "") or (_local_secret() if MODE == "demo" else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(f"SECRET_KEY is not set; MODE={MODE} needs one of 50 characters or more.")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
PUBLIC_URL = env.str("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
DEMO_RELAXES_SECOND_FACTOR = MODE == "demo" and env.bool("DEMO_RELAXES_SECOND_FACTOR", False)

# --- Applications ---------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "evbilling.workspace",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "import_export",
    "djmoney",
    "evbilling.kernel",
    "evbilling.access",
    "evbilling.shell",
    "contracts",
    "sessions",
    "invoicing",
    "payments",
    "evbilling.portal",
    "evbilling.api",
    "evbilling.demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "evbilling.access.middleware.AdminContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "evbilling.access.middleware.SessionLimits",
    "evbilling.workspace.middleware.OperatorsClock",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "evbilling.access.middleware.SecondFactorRequired",
    "django_htmx.middleware.HtmxMiddleware",
    "evbilling.shell.middleware.DialogRedirects",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "evbilling.urls"
WSGI_APPLICATION = "evbilling.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "evbilling.shell.context.shell",
            ],
        },
    }
]

# --- Database -------------------------------------------------------------------------------------------------------
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'evbilling.sqlite3'}")}
DATABASES["default"]["ATOMIC_REQUESTS"] = False
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON;"
        ),
    }
else:
    DATABASES["default"]["OPTIONS"] = POSTGRESQL_OPTIONS | DATABASES["default"].get("OPTIONS", {})
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", 60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis, cache, Celery -------------------------------------------------------------------------------------------
REDIS_URL = env.str("REDIS_URL", "")
if REDIS_URL:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "evbilling"}}

QUEUES = ("billing", "documents", "mail", "payments")
CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost/"
if REDIS_URL:
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {"visibility_timeout": 3600}
else:
    _spool = DATA_DIR / "broker"
    for _name in ("messages", "processed", "control"):
        (_spool / _name).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_spool / "messages"),
        "data_folder_out": str(_spool / "messages"),
        "processed_folder": str(_spool / "processed"),
        "control_folder": str(_spool / "control"),
        "store_processed": False,
    }
CELERY_TASK_ALWAYS_EAGER = env.bool("CELERY_TASK_ALWAYS_EAGER", False)
CELERY_TASK_EAGER_PROPAGATES = True
CELERY_TASK_DEFAULT_QUEUE = "billing"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = 600
CELERY_TASK_TIME_LIMIT = 660
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_MEMORY_PER_CHILD = env.int("WORKER_MAX_MEMORY_KB", 250_000)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    "outbox-sweep": {"task": "evbilling.kernel.tasks.sweep_outbox", "schedule": 15.0},
    "audit-seal": {"task": "evbilling.kernel.tasks.seal_audit", "schedule": 60.0},
    "billing-sweep": {"task": "invoicing.tasks.sweep_billing_runs", "schedule": 30.0},
    "payments-unknown": {"task": "payments.tasks.resolve_open_payments", "schedule": 60.0},
    "users-unused": {
        "task": "evbilling.access.tasks.switch_off_unused_users",
        "schedule": crontab(hour=1, minute=15),
    },
    "dunning": {"task": "invoicing.tasks.dun_overdue", "schedule": crontab(minute=20)},
    "books-nightly": {"task": "invoicing.tasks.check_books_nightly", "schedule": crontab(hour=2, minute=30)},
}

# --- Mail -----------------------------------------------------------------------------------------------------------
_email_url = env.str("EMAIL_URL", "filemail://")
MAIL_PROVIDER = provider_of(_email_url)
ANYMAIL = provider_settings(_email_url, env.str("ANYMAIL_WEBHOOK_SECRET", ""))
MAIL_REDIRECT_TO = env.str("MAIL_REDIRECT_TO", "")
MAIL_FOLDER = DATA_DIR / "mail"
MAILERS = redirected_mailers(mailer_of(_email_url, MAIL_FOLDER), MAIL_REDIRECT_TO)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "billing@evbilling.example")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EXPORT_DIR = Path(env.str("EXPORT_DIR", str(DATA_DIR / "export")))

# --- Access ---------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "access.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "evbilling.access.passwords.NotReusedValidator"},
]
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = reverse_lazy("account_login")
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "evbilling.access.adapter.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_RATE_LIMITS = {"login_failed": "30/m/ip,6/30m/key"}  # second-factor codes; passwords are counted by axes
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "evbilling"
MFA_TOTP_TOLERANCE = 1  # one step of clock drift (RFC 6238, 5.2)
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = MODE == "demo"
AXES_FAILURE_LIMIT = 6
AXES_COOLOFF_TIME = 0.5
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_USERNAME_FORM_FIELD = "login"
AXES_USERNAME_CALLABLE = "evbilling.access.lockout.tried_address"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # a stranger's further tries do not lengthen the lock
AXES_LOCKOUT_CALLABLE = "evbilling.access.lockout.locked_out"
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # sign-ins stand in the audit trail; a lock ends by itself
SILENCED_SYSTEM_CHECKS = ["axes.W006"]  # the lock is by address alone: there is no cookie or browser name to change
STAFF_IDLE_SECONDS = 15 * 60
STAFF_ABSOLUTE_SECONDS = 8 * 3600

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
_https = PUBLIC_URL.startswith("https://")
if MODE == "live" and not _https:
    raise ImproperlyConfigured(f"PUBLIC_URL is {PUBLIC_URL!r}; MODE=live needs an https:// address.")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SECURE_SSL_REDIRECT = _https and env.bool("SECURE_SSL_REDIRECT", True)
if env.bool("BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
# The admin theme evaluates Alpine expressions and styles its charts inline (SECURITY.md, ASVS 3.4).
ADMIN_CSP = SECURE_CSP | {
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
}

# --- Language, time, numbers ----------------------------------------------------------------------------------------
LANGUAGE_CODE = env.str("LANGUAGE_CODE", "en")
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "evbilling" / "locale"]
FORMAT_MODULE_PATH = ["evbilling.formats"]
TIME_ZONE = env.str("TIME_ZONE", "UTC")
USE_TZ = True
USE_I18N = True
USE_THOUSAND_SEPARATOR = True
DEFAULT_CURRENCY = env.str("DEFAULT_CURRENCY", "EUR")
CURRENCIES = tuple(env.list("CURRENCIES", default=["EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK"]))

# --- Files ----------------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(DATA_DIR / "static")))
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "evbilling" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if MODE == "demo"
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = MODE == "demo"
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# --- API ------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "evbilling.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["evbilling.api.wire.StrictJsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["evbilling.api.wire.ExactJsonRenderer"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.ScopedRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"quote": env.str("API_QUOTE_RATE", "600/min")},
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "evbilling.api.refusals.refusal",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "evbilling",
    "DESCRIPTION": "Prices of charging sessions and charge records, each explained.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
}

# --- Payments -------------------------------------------------------------------------------------------------------
SANDBOX_PROCESSOR = env.bool("SANDBOX_PROCESSOR", MODE == "demo")
if SANDBOX_PROCESSOR and MODE == "live":
    raise ImproperlyConfigured("SANDBOX_PROCESSOR is on in MODE=live; test money must never settle a real invoice.")

# --- Logging --------------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    # The style engine reports each property that a PDF has no use for.
    "loggers": {"weasyprint": {"level": "ERROR"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", "WARNING")},
}

# --- Admin theme (navigation lives with the workspace) --------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "evbilling",
    "SITE_HEADER": "evbilling",
    "SITE_SUBHEADER": _("EV charging back office"),
    "SITE_SYMBOL": "bolt",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("shell/favicon.svg")}],
    "ENVIRONMENT": "evbilling.workspace.navigation.environment_badge",
    "DASHBOARD_CALLBACK": "evbilling.workspace.dashboard.dashboard",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "oklch(0.979 0.021 166)",
            "100": "oklch(0.95 0.052 163)",
            "200": "oklch(0.905 0.093 164)",
            "300": "oklch(0.845 0.143 165)",
            "400": "oklch(0.765 0.177 163)",
            "500": "oklch(0.696 0.17 162)",
            "600": "oklch(0.52 0.125 163)",
            "700": "oklch(0.47 0.11 165)",
            "800": "oklch(0.432 0.095 167)",
            "900": "oklch(0.378 0.077 169)",
            "950": "oklch(0.262 0.051 173)",
        },
    },
    "SCRIPTS": [
        lambda request: static("shell/admin-keyboard.js"),
        lambda request: static("shell/admin-dialogs.js"),
    ],
    "STYLES": [lambda request: static("shell/admin.css")],
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": "evbilling.workspace.navigation.navigation",
    },
    "COMMAND": {"search_models": True, "search_callback": "evbilling.workspace.search.search"},
}
